// Edits: the smallest move in the metric of the data that changes each named value by its strength and no held one; see
// `AttributeDirections.delta`. With the correlations G of the readouts and the move of each alone, it is a sum of moves.

const SMALLEST_INDEPENDENCE = 1e-3;

/** The x with matrix x = target, for a symmetric positive definite matrix (rows of numbers), by Cholesky's factor. */
function solved(matrix, target) {
  const size = target.length;
  const factor = matrix.map((row) => [...row]);
  const x = [...target];
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= factor[i][k] * factor[j][k];
      factor[i][j] = i === j ? Math.sqrt(sum) : sum / factor[j][j];
    }
    for (let k = 0; k < i; k++) x[i] -= factor[i][k] * x[k];
    x[i] /= factor[i][i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) x[i] -= factor[k][i] * x[k];
    x[i] /= factor[i][i];
  }
  return x;
}

/** The smallest eigenvalue of a symmetric matrix and its vector, by Jacobi's rotations (Golub and Van Loan, 8.5). */
export function smallestEigen(matrix) {
  const size = matrix.length;
  const a = matrix.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(a[p][q]) < 1e-15) continue;
        off += a[p][q] ** 2;
        const turn = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const tangent = (turn < 0 ? -1 : 1) / (Math.abs(turn) + Math.hypot(1, turn));
        const cosine = 1 / Math.hypot(1, tangent);
        const sine = tangent * cosine;
        for (const row of a) [row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]];
        for (let k = 0; k < size; k++) [a[p][k], a[q][k]] = [cosine * a[p][k] - sine * a[q][k], sine * a[p][k] + cosine * a[q][k]];
        for (const row of vectors) [row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]];
      }
    if (off < 1e-24) break;
  }
  const values = a.map((row, i) => row[i]);
  const place = values.indexOf(Math.min(...values));
  return { value: values[place], vector: vectors.map((row) => row[place]) };
}

export class Directions {
  constructor(tensors, names) {
    this.names = names;
    this.moves = tensors["directions.moves"]?.data;
    this.correlations = tensors["directions.correlations"]?.data;
  }

  /** A latent [D] edited: `strengths` {name: deviations}, `hold` names whose values stay. */
  edit(latent, strengths, hold = []) {
    const names = [...Object.keys(strengths), ...new Set(hold.filter((name) => !(name in strengths)))];
    const rows = names.map((name) => this.names.indexOf(name));
    if (rows.includes(-1)) throw new Error(`${names[rows.indexOf(-1)]} is not an attribute of this model.`);
    if (!Object.values(strengths).some(Boolean)) return latent;
    const count = this.names.length;
    const gram = rows.map((row) => rows.map((column) => this.correlations[row * count + column]));
    this.refuseDependent(names, gram);
    const shares = solved(gram, names.map((name) => strengths[name] ?? 0));
    const size = latent.length;
    return latent.map((value, i) => {
      let move = 0;
      rows.forEach((row, k) => { move += this.moves[row * size + i] * shares[k]; });
      return value + Math.fround(move);
    });
  }

  refuseDependent(names, gram) {
    const { value, vector } = smallestEigen(gram);
    if (value >= SMALLEST_INDEPENDENCE) return;
    const most = Math.max(...vector.map(Math.abs));
    const same = names.filter((_, i) => Math.abs(vector[i]) > 0.2 * most);
    throw new Error(`${same.join(", ")} say the same thing in this model, so they cannot be set or held independently: leave one of them out.`);
  }
}
