// A household to take pictures of: people, invitations, months of use.

const NAMES = {
  en: ["Lin Ashworth", "Mo Ashworth", "June Ashworth", "Odell Brandt", "周雨桐"],
  "zh-CN": ["林晚舟", "林小满", "周雨桐", "陈立", "Odell Brandt"],
};
const NOTES = { en: ["Grandpa", "Kitchen tablet"], "zh-CN": ["外公", "厨房平板"] };
const now = Math.floor(Date.now() / 1000);
const [HOUR, DAY] = [3600, 86_400];

function people(language) {
  const own = [["admin", 299_695, 0, 60], ["user", 184_200, 500_000, 2 * HOUR], ["user", 49_780, 50_000, DAY], ["user", 0, null, 21 * DAY], ["user", 72_410, 300_000, 300]];
  return own.map(([role, tokens, cap, ago], at) => ({
    id: at + 1, name: NAMES[language][at], email: `${["lin", "mo", "june", "odell", "yutong"][at]}@example.org`, role, disabled: at === 3, has_api_key: at === 4,
    tokens_month: tokens, cap_day: null, cap_month: cap, avatar: null, last_seen: now - ago, created: now - 90 * DAY, created_at: "",
  }));
}

function use(language, by) {
  const lines = [];
  for (let back = 29; back >= 0; back--) {
    const day = new Date(Date.now() - back * DAY * 1000).toISOString().slice(0, 10);
    for (const [at, name] of (by === "user" ? NAMES[language] : ["gpt-4o-mini", "gpt-4o", "qwen-plus"]).entries()) {
      if ((back * 7 + at * 5) % 4 === 0) continue;
      const tokens = Math.round((900 + ((back * 7919 + at * 104_729) % 9800)) / (at + 1));
      const estimated = (back + at) % 11 === 0 ? Math.round(tokens / 3) : 0;
      const who = by === "user" ? { user_id: at + 1, name } : { model: name };
      lines.push({ day, ...who, paid_by: at === 4 || by === "model" && at === 2 ? "own" : "shared", measured_tokens: tokens - estimated, estimated_tokens: estimated, total_tokens: tokens, requests: 2 + ((back + at) % 9) });
    }
  }
  return lines;
}

/** Answers what the administrator's views ask for. */
export async function answer(page, language) {
  const settings = { registration: "invite", shared_key: "sk-****9f3a", default_model: "gpt-4o-mini", models: ["gpt-4o-mini", "gpt-4o", "qwen-plus"], shared_tokens_per_day: 0, shared_tokens_per_month: 100_000, announcement: "", locked: ["default_model"] };
  const invites = NOTES[language].map((note, at) => ({ id: at + 1, note, uses_left: 1, expires: now + (5 - at) * DAY, created: now - DAY }));
  const server = { version: "1.0.0", started: now - 9 * DAY, data_bytes: 412_300_000, database_bytes: 318_000_000, files_bytes: 91_400_000, users: 5, turns: 18_204, running: 1, memory_bytes: 48_300_000, last_backup: now - 7 * HOUR };
  const replies = {
    users: () => ({ users: people(language), next: null }), settings: () => settings, server: () => server,
    invites: (request) => (request.method() === "POST" ? { id: 3, code: "", url: "https://chat.example.org/register?invite=5f0c9d2e7ab84136c0de" } : { invites, next: null }),
    usage: (request) => ({ usage: use(language, new URL(request.url()).searchParams.get("by")) }),
  };
  await page.route(/\/api\/admin\//, (route) => {
    const name = new URL(route.request().url()).pathname.split("/")[3];
    return route.fulfill({ json: replies[name](route.request()) });
  });
}

const PROMPTS = {
  en: [["Kind letter", "Write to {{who}} about {{what}}, kindly and in few words."], ["Meal plan", "Plan dinners for {{days}} days, with what is in season."], ["Proofread", "Look for mistakes, and say why each one is one."]],
  "zh-CN": [["写封客气的信", "给{{谁}}写一封关于{{什么事}}的信，客气、简短。"], ["一周菜单", "用当季的食材，安排{{几}}天的晚饭。"], ["校对", "找出文中的错误，并说明原因。"]],
};

/** Answers with prompts of one's own. */
export const prompts = (page, language) => page.route(/\/api\/prompts/, (route) => route.fulfill({ json: { prompts: PROMPTS[language].map(([name, text], at) => ({ id: at + 1, name, text })), next: null } }));

const PROBLEMS = {
  en: [["Sourdough that will not rise", "It is in the trash here, and was left there."], ["New chat", "There are no messages in it."], ["conversations-004.json", "The file ends in the middle of a conversation."]],
  "zh-CN": [["面团怎么也发不起来", "It is in the trash here, and was left there."], ["新对话", "There are no messages in it."], ["conversations-004.json", "The file ends in the middle of a conversation."]],
};

/** Opens the import, and shows one that has come so far. */
export async function take(page, language, status) {
  const problems = PROBLEMS[language].map(([title, reason]) => ({ title, reason }));
  await page.route(/\/api\/import$/, (route) => route.fulfill({ status: 202, json: { id: 1, status: "running" } }));
  await page.route(/\/api\/import\/1$/, (route) => route.fulfill({ json: { id: 1, status, format: "chatgpt", total: 1284, imported: 1268, updated: 9, skipped: 6, failed: 1, progress: 62, problems } }));
  await page.locator("#data button").first().click();
  await page.locator("dialog input[type=file]").setInputFiles({ name: "chatgpt-export.zip", mimeType: "application/zip", buffer: Buffer.alloc(64) });
  await page.locator(status === "done" ? ".counts" : "dialog progress").waitFor();
}

/** A picture in the manner of a QR code, for pictures alone. */
export const qr = (() => {
  const size = 33;
  const ring = (x, y) => [[0, 0], [size - 7, 0], [0, size - 7]].map(([left, top]) => Math.max(Math.abs(x - left - 3), Math.abs(y - top - 3))).find((far) => far <= 4);
  const isDark = (x, y) => {
    const far = ring(x, y);
    return far === undefined ? (x * 7 + y * 13 + x * y * 5) % 11 < 5 : far === 3 || far < 2;
  };
  const all = Array.from({ length: size * size }, (_, at) => [at % size, Math.floor(at / size)]);
  const path = all.filter(([x, y]) => isDark(x, y)).map(([x, y]) => `M${x + 2} ${y + 2}h1v1h-1z`).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size + 4} ${size + 4}"><path fill="white" d="M0 0h${size + 4}v${size + 4}H0z"/><path d="${path}"/></svg>`;
})();
