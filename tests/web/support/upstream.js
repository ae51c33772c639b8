// A model service of our own: OpenAI's streaming API, whose answers a test writes as it likes.

import { createServer } from "node:http";

const chunk = (delta, finish = null) => `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** What an answer is written with. */
class Answer {
  constructor(request, response, body) {
    Object.assign(this, { request, response, body });
    response.setMaxListeners(0);
    this.isOpen = true;
    response.on("close", () => {
      this.isOpen = false;
    });
  }

  get question() {
    const { content } = this.body.messages.at(-1);
    return typeof content === "string" ? content : content.map((part) => part.text ?? "").join("");
  }

  #head() {
    if (!this.response.headersSent) this.response.writeHead(200, { "content-type": "text/event-stream" });
  }

  #write(data) {
    this.#head();
    return new Promise((resolve) => this.isOpen ? this.response.write(data, resolve) : resolve());
  }

  begin() {
    return this.#write(": begun\n\n");
  }

  text(content) {
    return this.#write(chunk({ content }));
  }

  /** A text in pieces of so many characters, with a pause between them. */
  async pieces(content, size = 5, pause = 0) {
    const characters = [...content];
    for (let at = 0; at < characters.length && this.isOpen; at += size) {
      await this.text(characters.slice(at, at + size).join(""));
      if (pause) await this.wait(pause);
    }
  }

  reason(text) {
    return this.#write(chunk({ reasoning_content: text }));
  }

  /** Waits, or until the other side has gone. */
  wait(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.response.on("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async end(reason = "stop", usage = { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50 }) {
    await this.#write(chunk({}, reason));
    if (usage) await this.#write(`data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage })}\n\n`);
    await this.#write("data: [DONE]\n\n");
    this.response.end();
  }

  /** Breaks off. */
  drop() {
    this.response.destroy();
  }

  /** Refuses. */
  refuse(status, body, headers = {}) {
    this.response.writeHead(status, { "content-type": "application/json", ...headers });
    this.response.end(JSON.stringify(body));
  }
}

/** Starts one. `answer(a)` writes each answer; it may be changed at any time. */
export async function startUpstream() {
  const upstream = { models: ["small-model", "large-model", "org/very-long-name-of-a-model-2026"], requests: [], answer: null };
  upstream.usual = async (a) => {
    await a.pieces(`You asked: ${a.question}`, 8);
    await a.end();
  };
  upstream.answer = upstream.usual;
  const server = createServer(async (request, response) => {
    if (request.url.endsWith("/models")) {
      if (request.headers.authorization === "Bearer sk-wrong") {
        response.writeHead(401, { "content-type": "application/json" });
        return response.end(JSON.stringify({ error: { message: "Incorrect API key provided", code: "invalid_api_key" } }));
      }
      response.writeHead(200, { "content-type": "application/json" });
      return response.end(JSON.stringify({ object: "list", data: upstream.models.map((id) => ({ id })) }));
    }
    let text = "";
    for await (const part of request) text += part;
    const answer = new Answer(request, response, JSON.parse(text));
    upstream.requests.push(answer.body);
    try {
      await upstream.answer(answer);
    } catch (fault) {
      console.error("upstream:", fault);
      response.destroy();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  upstream.url = `http://127.0.0.1:${server.address().port}/v1`;
  upstream.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return upstream;
}
