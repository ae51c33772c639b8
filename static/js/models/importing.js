// An import: a file goes to the server, and its report is asked for until it has ended.

import { ApiError, base } from "./session.js";

/** How often the report is asked for. */
const REST = 700;

/** Sends a file; `tell` hears which part of it has gone out, from 0 to 1. Gives the import's number. */
function send({ session, line }, file, tell, signal) {
  // A fetch does not say how far it has come.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const refuse = (status, body = {}) => reject(new ApiError(status, body));
    request.upload.addEventListener("progress", ({ loaded, total }) => tell(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      let said = {};
      try {
        said = JSON.parse(request.responseText);
      } catch {
        // A page of something in between: the status says enough.
      }
      if (request.status === 202) resolve(said.id);
      else if (request.status === 401) {
        session.ended();
        refuse(401, said);
      } else refuse(request.status, { code: request.status >= 502 ? "gateway" : "internal", ...said });
    });
    request.addEventListener("error", () => {
      line.lost();
      refuse(0);
    });
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", `${base}/api/import`);
    request.setRequestHeader("authorization", `Bearer ${session.token}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.send(file);
  });
}

/**
 * Takes a file in and gives the last report. `sending(part)` hears how far the file has gone out, `reading(report)` how far
 * it was read. What was sent is gone on with, whether anybody asks or not; `signal` ends the sending alone.
 */
export async function takeIn(ctx, file, { sending, reading, signal }) {
  const id = await send(ctx, file, sending, signal);
  for (;;) {
    try {
      const report = await ctx.api(`/import/${id}`);
      if (report.status !== "running") return report;
      reading(report);
    } catch (fault) {
      if (fault.code !== "offline") throw fault;
      await ctx.line.whenUp();
    }
    await new Promise((resolve) => setTimeout(resolve, REST));
  }
}
