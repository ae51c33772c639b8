import assert from "node:assert/strict";
import { test } from "node:test";
import { goOn } from "../../../static/js/models/importing.js";
import { ApiError } from "../../../static/js/models/session.js";

/** A server that says these things one after the other. */
function context(replies) {
  const ctx = { session: { user: { id: 1 } }, line: { whenUp: async () => {} }, asked: 0 };
  ctx.api = async () => {
    const reply = replies[ctx.asked++];
    if (reply instanceof Error) throw reply;
    return reply;
  };
  return ctx;
}
const isWanted = () => true;

test("what stands between ends no import; its own report does", { timeout: 20_000 }, async () => {
  const passing = [[502, { code: "gateway" }], [503, { code: "overloaded" }]].map(([status, body]) => new ApiError(status, body));
  const ctx = context([...passing, { status: "running" }, { status: "failed" }]);
  const heard = [];
  assert.deepEqual(await goOn(ctx, 7, { reading: (report) => heard.push(report.status), isWanted }), { status: "failed" });
  assert.deepEqual(heard, ["running"]);
  const gone = context([new ApiError(404, { code: "not_found" })]);
  await assert.rejects(goOn(gone, 7, { reading() {}, isWanted }), { status: 404 });
});

test("another person is not told, and nobody where nobody wants it", async () => {
  const ctx = context([{ status: "running" }, { status: "done" }]);
  await assert.rejects(goOn(ctx, 7, { reading: () => Object.assign(ctx.session, { user: { id: 2 } }), isWanted }), { name: "AbortError" });
  assert.equal(ctx.asked, 1);
  await assert.rejects(goOn(ctx, 7, { reading() {}, isWanted: () => false }), { name: "AbortError" });
});
