//! Messages into turns. Other services keep one message a node, here a turn is a prompt with its response. So a message of
//! the person begins a turn; what the model says after it, in however many messages, is the response; a second answer to
//! the same message is a sibling with the same prompt.
//!
//! A turn is named after the message at which it departs from what was there before: its prompt, or for a second answer
//! that answer. A later export, in which more was said, names it alike.

use super::enclosed::{Enclosed, Placed};
use crate::accounts::is_model_name;
use crate::keys;
use crate::model::{PaidBy, Params, Status, Usage};
use crate::store::{Imported, ImportedTurn};
use crate::text;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Most turns of a conversation: they are written in one transaction.
pub const MOST_TURNS: usize = 20_000;
/// Most text of all its turns, in bytes; a prompt counts once for every answer to it.
pub const MOST_TEXT: usize = 32 << 20;
/// Most messages in all responses, each counted as often as it is part of one.
const MOST_PARTS: usize = 1_000_000;
/// Longest title, in graphemes.
const LONGEST_TITLE: usize = 200;
/// Longest name of a conversation or message that is kept as it is.
const LONGEST_NAME: usize = 80;

/// Who says something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The person.
    #[default]
    Person,
    /// The model, or a tool that works for it.
    Model,
    /// Nobody that a person would see; what follows follows what was before.
    Hidden,
}

impl Role {
    /// By the word that an export has for it.
    pub fn of(word: Option<&str>) -> Role {
        match word {
            Some("user" | "human") => Role::Person,
            Some("system") => Role::Hidden,
            _ => Role::Model,
        }
    }
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Its name in the export.
    pub id: String,
    /// The message it follows.
    pub parent: Option<String>,
    /// Who says it.
    pub role: Role,
    /// What a person reads.
    pub text: String,
    /// Files that go with it.
    pub files: Vec<Enclosed>,
    /// What was thought before.
    pub reasoning: String,
    /// Who answered.
    pub model: Option<String>,
    /// Unix seconds.
    pub time: Option<i64>,
}

/// A conversation as an export has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chat {
    /// Its name in the export.
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// The model of messages that name none.
    pub model: Option<String>,
    /// What the model is told first.
    pub system_prompt: Option<String>,
    /// Kept on top of the list.
    pub pinned: bool,
    /// Out of the list.
    pub archived: bool,
    /// Unix seconds.
    pub created: Option<i64>,
    /// Unix seconds.
    pub updated: Option<i64>,
    /// All messages, in any order.
    pub messages: Vec<Message>,
    /// The last message of the path that is shown.
    pub current: Option<String>,
}

/// A turn while messages are put into it.
struct Growing {
    name: String,
    parent: Option<usize>,
    /// The message that is its prompt, and those that make up its response.
    prompt: Option<usize>,
    response: Vec<usize>,
    time: i64,
}

/// Makes the turns of a conversation. `now` is what no time can be later than. The fault is a sentence for the report.
pub fn build(
    source: &'static str,
    mut chat: Chat,
    now: i64,
) -> Result<(Imported, Vec<Placed>), &'static str> {
    for message in &mut chat.messages {
        let wordless = message.text.trim().is_empty() && message.reasoning.trim().is_empty();
        if wordless && message.files.is_empty() {
            message.role = Role::Hidden;
        }
    }
    let times: Vec<i64> = chat.messages.iter().filter_map(|message| message.time).collect();
    let created = chat.created.or(times.iter().min().copied()).or(chat.updated).unwrap_or(now).min(now);
    let updated = chat.updated.or(times.iter().max().copied()).unwrap_or(created).clamp(created, now);
    let parents = parents(&chat.messages);
    let (growing, turn_of) = grow(&chat.messages, &parents, created, now)?;
    if growing.is_empty() {
        return Err(NOTHING);
    }
    let source_id = chat.id.as_deref().map_or_else(|| content_name(&chat, &growing[0]), name);
    let files = placed(&mut chat.messages, &growing);
    let turns = ripe(&chat, growing, now)?;
    let current = chat.current.as_deref().and_then(|id| {
        let mut at = chat.messages.iter().position(|message| message.id == id);
        while let Some(message) = at {
            if turn_of[message].is_some() {
                return turn_of[message];
            }
            at = parents[message];
        }
        None
    });
    let imported = Imported {
        source,
        source_id,
        written_here: None,
        title: title(chat.title.as_deref(), &turns),
        titled_by_person: false,
        model: None,
        system_prompt: chat.system_prompt.map(text::without_nul),
        params: Params::default(),
        pinned: chat.pinned,
        archived: chat.archived,
        created,
        updated,
        deleted: None,
        current: current.or(turns.len().checked_sub(1)),
        turns,
    };
    Ok((imported, files))
}

/// The files of all messages, each with the turns that its message is part of, in the order in which turns name them: an
/// export lists its messages in any.
fn placed(messages: &mut [Message], growing: &[Growing]) -> Vec<Placed> {
    let mut turns_of: HashMap<usize, (Vec<usize>, bool)> = HashMap::new();
    let mut order = Vec::new();
    for (turn, growing) in growing.iter().enumerate() {
        for message in growing.prompt.iter().chain(&growing.response) {
            if !messages[*message].files.is_empty() {
                let (turns, in_prompt) = turns_of.entry(*message).or_default();
                if turns.is_empty() {
                    order.push(*message);
                }
                turns.push(turn);
                *in_prompt = growing.prompt == Some(*message);
            }
        }
    }
    let placed = order.into_iter().filter_map(|at| {
        let (turns, in_prompt) = turns_of.remove(&at)?;
        Some(Placed { files: std::mem::take(&mut messages[at].files), turns, in_prompt })
    });
    placed.collect()
}

/// Why one is refused that is larger than a transaction should be.
pub const TOO_MANY: &str = "It has more turns than can be taken in.";
/// Likewise.
pub const TOO_LONG: &str = "It has more text than can be taken in.";
/// Why a conversation without messages is passed over.
pub const NOTHING: &str = "There are no messages in it.";

/// For each message the one it follows. A loop, which no tree has, is cut where it closes.
fn parents(messages: &[Message]) -> Vec<Option<usize>> {
    let mut by_id: HashMap<&str, usize> = HashMap::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        by_id.entry(&message.id).or_insert(at);
    }
    let mut parents: Vec<Option<usize>> = messages
        .iter()
        .map(|message| message.parent.as_deref().and_then(|id| by_id.get(id).copied()))
        .collect();
    // 0: not looked at, 1: on the way up from here, 2: known to lead to a root.
    let mut state = vec![0_u8; messages.len()];
    for start in 0..messages.len() {
        let (mut way, mut at) = (Vec::new(), start);
        while state[at] == 0 {
            state[at] = 1;
            way.push(at);
            let Some(parent) = parents[at] else { break };
            if state[parent] == 1 {
                parents[at] = None;
                break;
            }
            at = parent;
        }
        way.into_iter().for_each(|at| state[at] = 2);
    }
    parents
}

/// Messages in an order in which each comes after its parent and otherwise after what is older or stands before it, with
/// its time: its own, but never before its parent's.
fn in_order(messages: &[Message], parents: &[Option<usize>], created: i64, now: i64) -> Vec<(usize, i64)> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); messages.len()];
    let mut open = BinaryHeap::new();
    let dated = |at: usize, after: Option<i64>| {
        let time = messages[at].time.or(after).unwrap_or(created).min(now).max(after.unwrap_or(i64::MIN));
        Reverse((time, at))
    };
    for (at, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(at),
            None => open.push(dated(at, None)),
        }
    }
    let mut order: Vec<(usize, i64)> = Vec::with_capacity(messages.len());
    while let Some(Reverse((time, at))) = open.pop() {
        order.push((at, time));
        open.extend(children[at].iter().map(|child| dated(*child, Some(time))));
    }
    order
}

type Grown = (Vec<Growing>, Vec<Option<usize>>);

/// Puts messages into turns. Gives for each message the turn it is in; hidden ones are in that of what they follow.
fn grow(
    messages: &[Message],
    parents: &[Option<usize>],
    created: i64,
    now: i64,
) -> Result<Grown, &'static str> {
    let mut turns: Vec<Growing> = Vec::new();
    let mut turn_of: Vec<Option<usize>> = vec![None; messages.len()];
    // The message that is seen before one, hidden ones passed over.
    let mut seen_before: Vec<Option<usize>> = vec![None; messages.len()];
    let mut answered = vec![false; messages.len()];
    let mut parts = 0;
    for (at, time) in in_order(messages, parents, created, now) {
        let message = &messages[at];
        let before = parents[at].and_then(|parent| match messages[parent].role {
            Role::Hidden => seen_before[parent],
            _ => Some(parent),
        });
        seen_before[at] = before;
        let turn_before = before.and_then(|before| turn_of[before]);
        if message.role == Role::Hidden {
            turn_of[at] = turn_before;
            continue;
        }
        let goes_on = message.role == Role::Model && before.is_some_and(|before| !answered[before]);
        match (goes_on, before, turn_before) {
            (true, Some(before), Some(turn)) => {
                answered[before] = true;
                turns[turn].response.push(at);
                turn_of[at] = Some(turn);
            }
            (_, before, turn_before) => {
                let new = begin(message, at, before, turn_before, &turns, time);
                parts += new.response.len();
                turn_of[at] = Some(turns.len());
                turns.push(new);
            }
        }
        if turns.len() > MOST_TURNS || parts > MOST_PARTS {
            return Err(TOO_MANY);
        }
    }
    Ok((turns, turn_of))
}

fn begin(
    message: &Message,
    at: usize,
    before: Option<usize>,
    turn_before: Option<usize>,
    turns: &[Growing],
    time: i64,
) -> Growing {
    let new =
        Growing { name: name(&message.id), parent: turn_before, prompt: None, response: Vec::new(), time };
    if message.role == Role::Person {
        return Growing { prompt: Some(at), ..new };
    }
    let Some(sibling) = turn_before.and_then(|turn| turns.get(turn)) else {
        return Growing { response: vec![at], ..new };
    };
    // Another answer: all that was said up to where it departs is the same.
    let common = sibling.response.iter().position(|message| Some(*message) == before).map_or(0, |at| at + 1);
    let response = sibling.response[..common].iter().copied().chain([at]).collect();
    Growing { parent: sibling.parent, prompt: sibling.prompt, response, ..new }
}

/// The turns with their texts.
fn ripe(chat: &Chat, growing: Vec<Growing>, now: i64) -> Result<Vec<ImportedTurn>, &'static str> {
    let size = |at: &usize| chat.messages[*at].text.len() + chat.messages[*at].reasoning.len();
    let mut total = 0_usize;
    for turn in &growing {
        total += turn.prompt.iter().chain(&turn.response).map(size).sum::<usize>();
        if total > MOST_TEXT {
            return Err(TOO_LONG);
        }
    }
    let turn = |growing: Growing| {
        let said = |which: fn(&Message) -> &str| {
            let parts = growing.response.iter().map(|at| which(&chat.messages[*at]).trim_matches('\n'));
            let parts: Vec<&str> = parts.filter(|text| !text.is_empty()).collect();
            text::without_nul(parts.join("\n\n"))
        };
        let mut models = growing.response.iter().filter_map(|at| chat.messages[*at].model.as_deref());
        let last_time = growing.response.iter().filter_map(|at| chat.messages[*at].time).max();
        let (response, reasoning) = (said(|message| &message.text), said(|message| &message.reasoning));
        let unanswered = response.is_empty() && reasoning.is_empty();
        ImportedTurn {
            source_id: growing.name,
            parent: growing.parent,
            prompt: growing
                .prompt
                .map_or_else(String::new, |at| text::without_nul(chat.messages[at].text.clone())),
            attachments: Vec::new(),
            response,
            reasoning,
            model: model_name(models.next_back().or(chat.model.as_deref())),
            params: Params::default(),
            status: if unanswered { Status::Interrupted } else { Status::Complete },
            finish_reason: None,
            fault: None,
            usage: Usage::default(),
            paid_by: PaidBy::Own,
            created: growing.time,
            finished: last_time.unwrap_or(growing.time).clamp(growing.time, now.max(growing.time)),
        }
    };
    Ok(growing.into_iter().map(turn).collect())
}

/// The name of a model where it is one that people here could choose; else none.
pub fn model_name(name: Option<&str>) -> String {
    name.filter(|name| is_model_name(name)).unwrap_or_default().to_owned()
}

/// A name from an export; a long one by its sum.
pub fn name(id: &str) -> String {
    let plain = id.len() <= LONGEST_NAME && !id.is_empty() && !id.contains('\0');
    if plain { id.to_owned() } else { keys::digest(id.as_bytes()) }
}

/// The name of a conversation that has none: what was said first, and when. It stays the same when more is said.
fn content_name(chat: &Chat, first: &Growing) -> String {
    let said = first.prompt.iter().chain(first.response.first()).map(|at| &chat.messages[*at]);
    let said: Vec<_> = said.map(|message| (message.time, message.text.as_str())).collect();
    keys::digest(format!("{said:?}").as_bytes())
}

/// Makes a line of messages that name no parents, and gives names to those that have none: by what was said up to there.
pub fn line_up(messages: &mut [Message]) {
    let mut before: Option<String> = None;
    for message in messages {
        if message.id.is_empty() {
            let said = if message.role == Role::Person { message.text.as_str() } else { "" };
            message.id = keys::digest(format!("{before:?} {:?} {said}", message.role).as_bytes());
        }
        message.parent = before.replace(message.id.clone());
    }
}

/// One line of text, from the first prompt where there is no title.
pub fn title(given: Option<&str>, turns: &[ImportedTurn]) -> String {
    let line = |text: &str| {
        text.split(|c: char| c.is_control() || c.is_whitespace())
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let given = given.map(line).filter(|title| !title.is_empty());
    given.map_or_else(
        || {
            turns
                .iter()
                .map(|turn| text::title(&line(&turn.prompt)))
                .find(|title| !title.is_empty())
                .unwrap_or_default()
        },
        |title| text::cut(&title, LONGEST_TITLE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::enclosed::Source;

    const NOW: i64 = 1_800_000_000;

    fn message(id: &str, parent: &str, role: Role, time: i64) -> Message {
        let parent = (!parent.is_empty()).then(|| parent.to_owned());
        let time = (time > 0).then_some(time);
        Message { id: id.into(), parent, role, text: format!("{id}."), time, ..Message::default() }
    }

    #[test]
    fn i17_many_pictures_under_many_answers_cost_what_they_are() {
        let file = || Enclosed { name: None, word: String::new(), source: Source::Beside("x".into()) };
        let mut asked = message("u", "", Role::Person, 1);
        asked.files = (0..50_000).map(|_| file()).collect();
        let answers = (0..10_000).map(|at| message(&format!("a{at}"), "u", Role::Model, 2));
        let messages = std::iter::once(asked).chain(answers).collect();
        let (built, placed) = build("test", Chat { messages, ..Chat::default() }, NOW).unwrap();
        assert_eq!((built.turns.len(), placed.len()), (10_000, 1));
        assert_eq!((placed[0].files.len(), placed[0].turns.len()), (50_000, 10_000));
    }

    /// Each message as `id<parent@time`; ids begin with u, a or h.
    fn chat(text: &str) -> Chat {
        let messages = text.split_whitespace().map(|word| {
            let (ids, time) = word.split_once('@').unwrap_or((word, "0"));
            let (id, parent) = ids.split_once('<').unwrap_or((ids, ""));
            let role = match &id[..1] {
                "u" => Role::Person,
                "a" => Role::Model,
                _ => Role::Hidden,
            };
            message(id, parent, role, time.parse().unwrap())
        });
        Chat { messages: messages.collect(), ..Chat::default() }
    }

    /// Each turn as `name<parent: prompt > response`.
    fn turns(chat: Chat) -> Vec<String> {
        let built = build("test", chat, NOW).unwrap().0;
        let parent = |at: usize| built.turns[at].parent.map(|parent| built.turns[parent].source_id.clone());
        let turns = built.turns.iter().enumerate().map(|(at, turn)| {
            assert!(turn.parent.is_none_or(|parent| parent < at), "a child comes after its parent");
            assert!(turn.finished >= turn.created);
            let response = turn.response.replace("\n\n", " ");
            format!("{}<{}: {} > {response}", turn.source_id, parent(at).unwrap_or_default(), turn.prompt)
        });
        turns.collect()
    }

    #[test]
    fn messages_become_turns() {
        assert_eq!(turns(chat("u1 a1<u1 u2<a1 a2<u2")), ["u1<: u1. > a1.", "u2<u1: u2. > a2."]);
        assert_eq!(turns(chat("u1 a1<u1 a2<a1 u2<a2")), ["u1<: u1. > a1. a2.", "u2<u1: u2. > "]);
        assert_eq!(turns(chat("a0 u1<a0 a1<u1")), ["a0<:  > a0.", "u1<a0: u1. > a1."]);
        assert_eq!(turns(chat("u1 u2<u1 a1<u2")), ["u1<: u1. > ", "u2<u1: u2. > a1."]);
    }

    #[test]
    fn c22_hidden_messages_are_left_out_and_the_rest_stays_linked() {
        assert_eq!(
            turns(chat("h0 h1<h0 u1<h1 h2<u1 a1<h2 h3<a1 h4<h3 u2<h4 a2<u2")),
            ["u1<: u1. > a1.", "u2<u1: u2. > a2."]
        );
        let mut blank = chat("u1 a1<u1 a2<u1");
        blank.messages[1].text = " \n".into();
        assert_eq!(turns(blank), ["u1<: u1. > a2."]);
        assert_eq!(build("test", chat("h0 h1<h0"), NOW), Err(NOTHING));
        assert_eq!(build("test", Chat::default(), NOW), Err(NOTHING));
    }

    #[test]
    fn branches_are_siblings() {
        assert_eq!(
            turns(chat("u1@1 a1<u1@2 a2<u1@3 u2<a2@4 u3<a2@5")),
            ["u1<: u1. > a1.", "a2<: u1. > a2.", "u2<a2: u2. > ", "u3<a2: u3. > "]
        );
        // A second answer that departs in the middle of the first one.
        assert_eq!(
            turns(chat("u1@1 a1<u1@2 a2<a1@3 a3<a2@4 a4<a1@5 a5<a4@6")),
            ["u1<: u1. > a1. a2. a3.", "a4<: u1. > a1. a4. a5."]
        );
        assert_eq!(turns(chat("u1@1 a1<u1@2 u9@3 a9<u9@4")), ["u1<: u1. > a1.", "u9<: u9. > a9."]);
    }

    #[test]
    fn no_order_and_no_loop_does_harm() {
        assert_eq!(turns(chat("a2<u2@4 u2<a1@3 a1<u1@2 u1@1")), ["u1<: u1. > a1.", "u2<u1: u2. > a2."]);
        assert_eq!(turns(chat("u1<u1 a1<u1")), ["u1<: u1. > a1."]);
        assert_eq!(turns(chat("u1<a2 a1<u1 u2<a1 a2<u2")).len(), 3);
        assert_eq!(turns(chat("u1<gone a1<u1 u1<a1")).len(), 2, "the same name twice");
        let line: Vec<String> = (1..50_000).map(|i| format!("a{i}<a{}", i - 1)).collect();
        assert_eq!(turns(chat(&format!("a0 {}", line.join(" ")))).len(), 1);
    }

    #[test]
    fn an_older_child_is_dated_after_its_parent_and_nothing_in_the_future() {
        let built = build("test", chat("u1@100 a1<u1@50 u2<a1@40 a2<u2@1900000000"), NOW).unwrap().0;
        let times: Vec<_> = built.turns.iter().map(|turn| (turn.created, turn.finished)).collect();
        assert_eq!(times, [(100, 100), (100, NOW)]);
        assert_eq!((built.created, built.updated), (40, NOW));
        let built = build("test", Chat { created: Some(NOW + 9), updated: Some(3), ..chat("u1 a1<u1") }, NOW)
            .unwrap()
            .0;
        assert_eq!((built.created, built.updated, built.turns[0].created), (NOW, NOW, NOW));
    }

    #[test]
    fn the_current_path_is_found_through_hidden_ends() {
        for (current, want) in [("a1", 0), ("h1", 0), ("u1", 0), ("a2", 1), ("gone", 2), ("h0", 2)] {
            let chat = chat("h0 u1<h0@1 a1<u1@2 h1<a1@3 a2<u1@4 u3<a2@5");
            let built = build("test", Chat { current: Some(current.into()), ..chat }, NOW).unwrap().0;
            assert_eq!(built.current, Some(want), "{current}");
        }
    }

    #[test]
    fn names_are_the_same_in_a_later_export() {
        let names = |text: &str| {
            build("test", chat(text), NOW).unwrap().0.turns.into_iter().map(|turn| turn.source_id)
        };
        let early: Vec<_> = names("u1@1 a1<u1@2 u2<a1@3").collect();
        let late: Vec<_> = names("u1@1 a1<u1@2 u2<a1@3 a2<u2@4 a3<a2@5 a4<u2@6 u3<a3@7").collect();
        assert_eq!(early, ["u1", "u2"]);
        assert_eq!(late, ["u1", "u2", "a4", "u3"]);
        let nameless = |texts: &[&str]| {
            let roles = [Role::Person, Role::Model].into_iter().cycle();
            let messages = texts.iter().zip(roles).map(|(text, role)| Message {
                role,
                text: (*text).into(),
                ..Message::default()
            });
            let mut messages: Vec<_> = messages.collect();
            line_up(&mut messages);
            build("test", Chat { messages, ..Chat::default() }, NOW).unwrap().0
        };
        let (early, late) =
            (nameless(&["hi", "ho", "hi", "ho"]), nameless(&["hi", "ho", "hi", "ho", "more"]));
        assert_eq!(early.source_id, late.source_id);
        assert_eq!(early.turns[..], late.turns[..2]);
        assert_ne!(early.turns[0].source_id, early.turns[1].source_id);
        assert_ne!(nameless(&["hi", "hello"]).source_id, early.source_id);
    }

    #[test]
    fn titles_are_one_line() {
        let titled = |title: &str| {
            build("test", Chat { title: Some(title.into()), ..chat("u1") }, NOW).unwrap().0.title
        };
        assert_eq!(titled(" a\n\tb\0 "), "a b");
        assert_eq!(titled("  "), "u1.");
        assert!(titled(&"🌍 ".repeat(5000)).chars().count() <= 200);
    }

    #[test]
    fn much_of_little_is_refused() {
        let many: Vec<String> = (0..=MOST_TURNS).map(|i| format!("u{i}")).collect();
        assert!(build("test", chat(&many.join(" ")), NOW).is_err());
        let mut long = chat(&format!("u {}", (0..1000).map(|i| format!("a{i}<u ")).collect::<String>()));
        long.messages[0].text = "x".repeat(1 << 20);
        assert!(build("test", long, NOW).is_err(), "a prompt counts for every answer");
    }
}
