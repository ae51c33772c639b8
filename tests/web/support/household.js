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
