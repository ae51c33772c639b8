// A person with conversations to take pictures of, in two languages.

const WORDS = {
  en: {
    name: "Lin Ashworth",
    titles: ["House rules for the guest room", "Letter to the landlord", "Sourdough that will not rise", "Why is the night sky dark?", "Fractions, for a nine-year-old", "Rename photos by date taken", "Two weeks in Lisbon with a pram", "Regex for invoice numbers", "Chess opening for beginners", "Bicycle gear ratios, explained"],
    questions: ["Our kitchen pendulum clock loses about four minutes a day. By how much should I shorten the pendulum?", "Give me a small script that turns a week of readings into the correction.", "And does the heating season matter?"],
    title: "Pendulum clock runs slow",
    thought: "Losing time means the period is too long. The relative error is 240 s in 86,400 s, so 0.28%; the length goes with the square of the period.",
    answers: [
      "A clock that loses time swings too slowly, so the pendulum is a little too long. You only need the **relative** error, not the height of the mountain you live on: for small swings,\n\n$$T = 2\\pi\\sqrt{\\frac{L}{g}} \\qquad\\Longrightarrow\\qquad \\frac{\\Delta L}{L} \\approx 2\\,\\frac{\\Delta T}{T}$$\n\nso a clock that is 0.28% slow wants a pendulum 0.56% shorter. What that is in millimetres depends on how fast yours beats:\n\n| Beats per minute | Length | Shorten by | Turns of an M4 nut |\n|---|--:|--:|--:|\n| 60, a long-case clock | 994 mm | 5.5 mm | 7.9 |\n| 90, a large wall clock | 442 mm | 2.5 mm | 3.5 |\n| 120, most kitchen clocks | 248 mm | 1.4 mm | 2.0 |\n\nTurn the nut under the bob **upwards**, by half of that first, and wait a full day before you judge it.\n",
      "Note each morning how many seconds were lost since the day before. The mean evens out the hour at which you look.\n\n```python\nfrom statistics import mean\n\nSECONDS_A_DAY = 86_400\n\ndef correction(readings: list[float], length_mm: float) -> float:\n    \"\"\"Millimetres to take off, from seconds lost each day.\"\"\"\n    loss = mean(readings) / SECONDS_A_DAY\n    return 2 * loss * length_mm  # small-angle form\n\nweek = [238, 244, 240, 236, 243, 239, 241]\nprint(f\"raise the bob by {correction(week, 248):.2f} mm\")\n```\n\nWith these readings it prints `raise the bob by 1.38 mm`, about two turns of the nut.\n",
      "Yes, a little. A brass rod grows by about 19 millionths of its length for each degree, so a room that is eight degrees warmer slows the clock by roughly",
    ],
    announcement: "On Sunday at noon this server gets a new disk. It is away for about an hour.",
    next: "What is the best rod material, then?",
    growing: "For a kitchen clock, **straight-grained, varnished wood** is the best bargain:\n\n- Along the grain it grows by about 4 millionths per degree, a fifth of what brass does.\n- Sealed with two coats, it hardly follows the damp of a kitchen.\n\nInvar does better still, at about 1.2",
  },
  "zh-CN": {
    name: "林晚舟",
    titles: ["客房须知", "给房东的信", "面团怎么也发不起来", "夜空为什么是黑的？", "给九岁孩子讲分数", "按拍摄日期给照片改名", "带婴儿车去里斯本两周", "发票号的正则表达式", "国际象棋开局入门", "自行车齿比说明"],
    questions: ["家里的摆钟每天大约慢四分钟，摆杆应该缩短多少？", "写一个小脚本，用一周的读数算出修正量。", "冬天供暖会有影响吗？"],
    title: "摆钟走慢了",
    thought: "走慢说明周期偏长，相对误差是 240 秒比 86 400 秒，也就是 0.28%；摆长与周期的平方成正比。",
    answers: [
      "钟走慢，说明摆动得太慢，也就是摆杆略长了一点。这里只需要**相对误差**，和你住在多高的山上没有关系。在小角度下：\n\n$$T = 2\\pi\\sqrt{\\frac{L}{g}} \\qquad\\Longrightarrow\\qquad \\frac{\\Delta L}{L} \\approx 2\\,\\frac{\\Delta T}{T}$$\n\n所以，慢了 0.28% 的钟，摆杆要缩短 0.56%。换算成毫米，要看它每分钟摆多少下：\n\n| 每分钟摆动 | 摆长 | 缩短 | M4 螺母圈数 |\n|---|--:|--:|--:|\n| 60 下，落地钟 | 994 mm | 5.5 mm | 7.9 |\n| 90 下，大挂钟 | 442 mm | 2.5 mm | 3.5 |\n| 120 下，多数厨房钟 | 248 mm | 1.4 mm | 2.0 |\n\n请把摆锤下面的螺母往**上**拧，先拧一半，过一整天再看结果。几点提醒：\n\n1. 每天在同一时刻对表，用手机的整点报时作参照。\n2. 冬天供暖后，黄铜摆杆会略微变长，钟会慢一点点，属于*正常现象*。\n",
      "每天早上记下比前一天慢了多少秒，取平均可以抵消看钟时刻的误差。\n\n```python\nfrom statistics import mean\n\ndef correction(readings, length_mm):\n    \"\"\"由每天慢的秒数，求摆杆应缩短的毫米数。\"\"\"\n    return 2 * mean(readings) / 86_400 * length_mm  # 小角度近似\n```\n",
      "会，但很小。黄铜每升高一度大约伸长百万分之十九，所以房间暖八度，钟大约会慢",
    ],
    announcement: "周日中午这台服务器换硬盘，大约停一个小时。",
    next: "那什么材料的摆杆最好？",
    growing: "对厨房的钟来说，**直纹、上过清漆的木头**最划算：\n\n- 顺纹方向每度只伸长百万分之四，是黄铜的五分之一。\n- 刷两遍漆，几乎不受潮气影响。\n\n因瓦合金更好，大约只有 1.2",
  },
};

export const words = (language) => WORDS[language];

/** Makes the person and what she has. Gives her with the id of the conversation to open. */
export async function prepare(server, language) {
  const { name, titles, questions, title, thought, answers } = WORDS[language];
  const person = await server.person(name);
  const { upstream } = server;
  for (const each of [...titles].reverse()) await person.call("/conversations", { method: "POST", body: { title: each } });
  const list = (await person.call("/conversations")).conversations;
  await person.call(`/conversations/${list.at(-1).id}`, { method: "PATCH", body: { pinned: true } });
  let id;
  for (const [at, question] of questions.entries()) {
    const isLast = at === questions.length - 1;
    upstream.answer = async (a) => {
      if (at === 0) await a.reason(thought);
      await a.pieces(answers[at], 400);
      if (isLast) return a.wait(4000);
      await a.end("stop", { prompt_tokens: 180 + at * 90, completion_tokens: 432 - at * 160, total_tokens: 0 });
    };
    const asked = { message: question, ...id && { conversation_id: id } };
    if (!isLast) id = (await person.ask(question, id ? { conversation_id: id } : {})).conversation_id;
    else await stopped(person, asked);
    if (at === 1) {
      const turns = (await person.call(`/conversations/${id}`)).turns;
      for (let version = 0; version < 2; version++) await person.call(`/chat/${turns[1].id}/retry`, { method: "POST", body: {} });
    }
  }
  await person.call(`/conversations/${id}`, { method: "PATCH", body: { title } });
  return { ...person, id };
}

/** Asks, and stops the answer when it has come so far. */
async function stopped(person, body) {
  const answered = person.call("/chat", { method: "POST", body });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const { turns } = await person.call(`/conversations/${body.conversation_id}`);
  await person.call(`/chat/${turns.at(-1).id}/stop`, { method: "POST" });
  await answered.catch(() => {});
}
