import assert from "node:assert/strict";
import { test } from "node:test";
import first from "../../../static/js/i18n/zh-CN.js";
import more from "../../../static/js/i18n/zh-CN-more.js";
import { createWords, seconds } from "../../../static/js/lib/words.js";
import { ApiError } from "../../../static/js/models/session.js";
import { sentenceOf } from "../../../static/js/views/fault.js";

const t = createWords({ ...first, ...more }, "zh-CN");
const said = (status, body, after) => sentenceOf(new ApiError(status, body, after), t);

test("every fault has a sentence, in the language of the reader where it is known", () => {
  for (const [sentence, status, body, after] of [
    ["网络断开了，连上后请再试一次。", 0, {}],
    // A page of a proxy says nothing that could be shown.
    ["服务器没有回应，请稍后再试。", 502, { code: "gateway" }],
    ["服务器出了点问题。", 500, { code: "internal" }],
    ["名字太长了。", 400, { code: "invalid_parameter", error: "Some of the values are not right.", fields: { name: "The name is too long." } }],
    ["提示词应有 1 到 32,000 个字符。", 400, { code: "invalid_parameter", error: "Some of the values are not right.", fields: { text: "A prompt has 1 to 32000 characters." } }],
    ["两步验证已经开启，请先关闭。", 400, { code: "totp_on", error: "Two-factor login is on already. Turn it off first." }],
    ["文件超过这台服务器的上限。", 413, { code: "too_large", error: "The file is larger than this server takes." }],
    ["太快了，30 秒后可以继续。", 429, { code: "rate_limited", error: "Too many tries. You can go on in 30 s." }, seconds() + 30],
    ["Something new.", 400, { code: "something_new", error: "Something new." }],
  ]) assert.equal(said(status, body, after), sentence);
  assert.equal(sentenceOf(new TypeError("x is not a function"), t), "服务器出了点问题。");
});
