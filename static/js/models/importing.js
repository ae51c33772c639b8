// An import: a file goes to the server, and its report is asked for until it has ended.

import { seconds } from "../lib/words.js";
import { read, write } from "./kept.js";
import { isPassing } from "./line.js";
import { ApiError, base } from "./session.js";

/** How often the report is asked for, and how seldom where the server has too much to do; in milliseconds. */
const [REST, LONGEST_REST] = [700, 10_000];

const place = ({ session }) => `import:${session.user.id}`;

/** The number of an import whose report nobody has seen; null when there is none. A reload does not forget it. */
export const unseen = (ctx) => Number(read(place(ctx), "sessionStorage")) || null;
/** Its report is seen. */
export const seen = (ctx) => write(place(ctx), null, "sessionStorage");

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
export async function takeIn(ctx, file, { sending, signal, ...watching }) {
  const id = await send(ctx, file, sending, signal);
  write(place(ctx), String(id), "sessionStorage");
  return goOn(ctx, id, watching);
}

/** Asks for the report of an import until it has ended, unless `isWanted()` says that nobody wants it any more. */
export async function goOn(ctx, id, { reading, isWanted }) {
  const { id: owner } = ctx.session.user;
  let rest = REST;
  for (;;) {
    if (!isWanted() || ctx.session.user?.id !== owner) throw new DOMException("", "AbortError");
    try {
      const report = await ctx.api(`/import/${id}`);
      rest = REST;
      if (!isWanted()) continue;
      if (report.status !== "running") return report;
      reading(report);
    } catch (fault) {
      // The import goes on, whatever stands between: only its own report says that it failed.
      if (!isPassing(fault)) throw fault;
      rest = Math.max(Math.min(rest * 2, LONGEST_REST), (fault.retryAfter - seconds()) * 1000);
      await ctx.line.whenUp();
    }
    await new Promise((resolve) => setTimeout(resolve, rest));
  }
}
