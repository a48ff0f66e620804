// Gradio 6.31's server ends the stream of answers when none is due. A request that it takes just then is answered to nobody:
// the page holds the old stream for open still. And what is cancelled before the server has named it is cancelled without
// its name, which the server refuses (422), so that it is made and shown. And of two requests the later one may arrive first,
// on a connection of its own. Here a stream goes on while an answer is due, a cancel waits for the name, and so does the next
// request.
{
  const ask = window.fetch;
  const due = new Set(); // names of requests whose answer is still to come
  const early = new Set(); // of those whose answer came before their name
  const names = new Map(); // of a function: the name, a promise, of what was asked of it last

  let taken = Promise.resolve(); // once the server has what was asked of it last
  const join = async (given) => {
    const answer = taken.then(() => ask(...given));
    taken = answer.catch(() => {});
    const name = answer.then((said) => said.clone().json()).then(({ event_id }) => event_id, () => null);
    names.set(JSON.parse(given[1].body).fn_index, name);
    const known = await name;
    if (known && !early.delete(known)) due.add(known);
    return answer;
  };

  const cancel = async ([url, options]) => {
    const body = JSON.parse(options.body);
    body.event_id ??= await names.get(body.fn_index);
    return body.event_id ? ask(url, { ...options, body: JSON.stringify(body) }) : new Response(); // what was never taken
  };

  const messages = async function* (answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      yield* parts;
    }
  };

  const heard = async function* (request, answer) {
    for (let next = answer; next; ) {
      if (!next.ok) throw new Error(`The stream of answers ended: ${next.status}`);
      const stream = next;
      next = null;
      for await (const message of messages(stream)) {
        const { msg, event_id } = JSON.parse(message.replace(/^data: /, ""));
        if (msg === "process_completed" && !due.delete(event_id)) early.add(event_id);
        if (msg === "close_stream" && due.size) next = await ask(request);
        else yield `${message}\n\n`;
        if (msg === "close_stream") break; // or else Gradio, which breaks it off too, may take this for a lost connection
      }
    }
  };

  // What Gradio breaks off itself, as when the page is left, is no lost connection, of which it would tell.
  const endsQuietly = (request, ended) => (error) => {
    if (!request.signal.aborted) throw error;
    return ended;
  };

  const listen = async (given) => {
    const request = new Request(...given);
    const answer = await ask(request).catch(endsQuietly(request, new Response()));
    if (!answer.body) return answer;
    if (!answer.ok) return answer;
    const [said, encoder] = [heard(request, answer), new TextEncoder()];
    const body = new ReadableStream({
      async pull(controller) {
        const { done, value } = await said.next().catch(endsQuietly(request, { done: true }));
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => void said.return(),
    });
    return new Response(body, answer);
  };

  const DOORS = [[/\/queue\/join\b/, join], [/\/queue\/data\b/, listen], [/\/(cancel|reset)$/, cancel]];
  window.fetch = (...given) => {
    const door = DOORS.find(([path]) => path.test(String(given[0]?.url ?? given[0])));
    return door ? door[1](given) : ask(...given);
  };
}
