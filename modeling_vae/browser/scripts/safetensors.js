// Reading a safetensors file: its tensors by name, float16 as float32, and the description in its metadata.

/** float16 bits to float32: exponent and fraction fit into those of float32, but for a factor. */
function halves(bits) {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = ((bits[i] & 0x8000) << 16) | ((bits[i] & 0x7fff) << 13);
  const numbers = new Float32Array(words.buffer);
  for (let i = 0; i < numbers.length; i++) numbers[i] *= 2 ** 112;
  return numbers;
}

const KINDS = {
  F16: (bytes) => halves(new Uint16Array(bytes)),
  F32: (bytes) => new Float32Array(bytes),
  F64: (bytes) => new Float64Array(bytes),
};

/** {tensors: {name: {shape, data}}, description} of the bytes of a file. */
export function parsed(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const description = JSON.parse(header.__metadata__?.description ?? "{}");
  delete header.__metadata__;
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)) {
    const bytes = buffer.slice(8 + length + start, 8 + length + end);
    if (!(dtype in KINDS)) throw new Error(`${name} is of the type ${dtype}, which is not read here.`);
    tensors[name] = { shape, data: KINDS[dtype](bytes) };
  }
  return { tensors, description };
}

/** All bytes of an address. */
export async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} could not be fetched (${answer.status}).`);
  return answer.arrayBuffer();
}
