//! Open WebUI's export: a list of chats, each with a `history` of messages that name their parent. In older ones the chat
//! itself is the element. Our own export in this shape comes back as what it was.

use super::enclosed::Enclosed;
use super::json::{self, Object, text, time, value};
use super::prose;
use super::tree::{self, Chat, Message, Role};
use crate::model::ConversationId;
use crate::store::Imported;

/// What our own export calls a conversation, before its number.
const OURS: &str = "gpt-assistant-";

/// Reads a chat.
pub fn read(object: &Object<'_>) -> Option<Chat> {
    let inner = object.raw("chat").and_then(|chat| Object::parse(chat).ok());
    let chat = inner.as_ref().unwrap_or(object);
    let history = chat.raw("history").and_then(|history| Object::parse(history).ok());
    let nodes = history.as_ref().and_then(|history| Object::parse(history.raw("messages")?).ok());
    let name = object.text(&["id"]).or_else(|| chat.text(&["id"]));
    let written_here = name.as_deref().and_then(number_of).is_some();
    let unfold = if written_here { as_written_here } else { unfolded };
    let messages = match nodes {
        Some(nodes) => nodes.0.iter().map(|(id, node)| message(Some(id), node.get(), unfold)).collect(),
        None => {
            let list = json::elements(chat.raw("messages")?).into_iter();
            let mut line: Vec<Message> = list.map(|raw| message(None, raw, unfold)).collect();
            tree::line_up(&mut line);
            line
        }
    };
    let messages = if written_here { by_number(messages) } else { messages };
    let params = chat.value("params");
    let models = chat.value("models");
    Some(Chat {
        id: name,
        title: object.text(&["title"]).or_else(|| chat.text(&["title"])),
        model: models.as_array().and_then(|all| all.iter().find_map(text)).map(str::to_owned),
        system_prompt: chat.text(&["system"]).or_else(|| text(&params["system"]).map(str::to_owned)),
        pinned: object.flag("pinned"),
        archived: object.flag("archived"),
        created: object.time(&["created_at"]).or_else(|| chat.time(&["timestamp"])),
        updated: object.time(&["updated_at"]),
        current: history.and_then(|history| history.text(&["currentId"])),
        messages,
    })
}

/// Our own messages in the order of their turns' numbers.
fn by_number(mut messages: Vec<Message>) -> Vec<Message> {
    messages.sort_by_key(|message| {
        message.id.split('-').nth(1).and_then(|number| number.parse::<i64>().ok()).unwrap_or(i64::MAX)
    });
    messages
}

fn number_of(name: &str) -> Option<i64> {
    name.strip_prefix(OURS)?.parse().ok()
}

/// Gives what came of our own export in this shape the names that our JSON has for it, so that both are one.
pub fn recognise(imported: &mut Imported) {
    let Some(number) = number_of(&imported.source_id) else { return };
    imported.source = super::Format::Own.as_str();
    imported.source_id = format!("{number}@{}", imported.created);
    imported.written_here = Some((ConversationId(number), imported.created));
    for turn in &mut imported.turns {
        if let Some(name) = turn.source_id.strip_suffix("-user") {
            turn.source_id = name.to_owned();
        }
    }
}

/// Tells thoughts and answer apart.
type Unfold = fn(&str) -> (String, String);

fn message(id: Option<&str>, raw: &str, unfold: Unfold) -> Message {
    let Some(message) = value(raw) else {
        let object = Object::parse(raw).ok();
        let field = |key: &str| object.as_ref().and_then(|object| object.text(&[key]));
        return Message {
            id: id.map(str::to_owned).or_else(|| field("id")).unwrap_or_default(),
            parent: field("parentId"),
            role: Role::of(field("role").as_deref()),
            text: prose::raw(raw),
            ..Message::default()
        };
    };
    let (mut thought, mut files) = (String::new(), Vec::new());
    let mut said;
    match &message["content"] {
        serde_json::Value::String(content) => (thought, said) = unfold(content),
        serde_json::Value::Array(parts) => (said, files) = prose::parts(parts),
        other => said = prose::unknown(other),
    }
    for file in message["files"].as_array().into_iter().flatten() {
        let name = text(&file["name"]).or(text(&file["file"]["filename"]));
        let word = prose::named_file(name.unwrap_or("picture"));
        prose::add(&mut said, &word);
        files.extend(text(&file["url"]).and_then(|url| Enclosed::inside(url, name, word)));
    }
    let failure = &message["error"];
    if !failure.is_null() && failure != false {
        let sentence = text(&failure["content"]).or(text(failure));
        prose::add(&mut said, &sentence.map(|sentence| format!("*({sentence})*")).unwrap_or_default());
    }
    Message {
        id: id.or(text(&message["id"])).unwrap_or_default().to_owned(),
        parent: text(&message["parentId"]).map(str::to_owned),
        role: Role::of(text(&message["role"])),
        text: said,
        files,
        reasoning: thought,
        model: text(&message["model"]).map(str::to_owned),
        time: time(&message["timestamp"]),
    }
}

/// Our own export folds thoughts at the beginning and nothing else, and changes nothing in them.
fn as_written_here(content: &str) -> (String, String) {
    let thoughts = content
        .strip_prefix("<details type=\"reasoning\" done=\"true\">\n<summary>Thought</summary>\n")
        .and_then(|rest| rest.split_once("\n</details>\n"));
    match thoughts {
        Some((thoughts, answer)) => (without_quote_marks(thoughts), answer.to_owned()),
        None => (String::new(), content.to_owned()),
    }
}

/// Takes what is folded out of a message: thoughts by themselves, other things without their tags.
fn unfolded(content: &str) -> (String, String) {
    if let Some((thoughts, answer)) = prose::lift_thoughts(content) {
        return (thoughts.to_owned(), answer.to_owned());
    }
    let (mut thought, mut said, mut rest) = (String::new(), String::new(), content);
    while let Some((before, tag, inside, after)) = next_folded(rest) {
        said.push_str(before);
        let (summary, body) = without_summary(inside);
        let body = unescaped(body.trim_matches('\n'));
        if tag.contains("type=\"reasoning\"") {
            prose::add(&mut thought, &without_quote_marks(&body));
        } else {
            let parts = [summary, body.as_str()].into_iter().filter(|part| !part.is_empty());
            said.push_str(&prose::fence("", &parts.collect::<Vec<_>>().join("\n")));
            said.push('\n');
        }
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    said.push_str(rest);
    (thought, said)
}

fn without_quote_marks(text: &str) -> String {
    let lines = text.lines().map(|line| line.strip_prefix("> ").or(line.strip_prefix('>')).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands before a folded part, its opening tag, what is in it, and what follows.
fn next_folded(text: &str) -> Option<(&str, &str, &str, &str)> {
    let begins = text.find("<details type=\"")?;
    let (tag, rest) = text[begins..].split_once('>')?;
    let (inside, after) = rest.split_once("</details>")?;
    Some((&text[..begins], tag, inside, after))
}

fn without_summary(inside: &str) -> (&str, &str) {
    let inside = inside.trim_start_matches('\n');
    let found = inside.strip_prefix("<summary>").and_then(|rest| rest.split_once("</summary>"));
    found.map_or(("", inside), |(summary, body)| (summary, body))
}

fn unescaped(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#x27;", "'");
    plain.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use crate::import::Format;
    use crate::import::tests::{taken, turns};
    use serde_json::{Value, json};

    fn said(id: &str, parent: impl Into<Value>, role: &str, content: &str) -> Value {
        let parent = parent.into();
        json!({"id": id, "parentId": parent, "childrenIds": [], "role": role, "content": content, "timestamp": 1_700_000_000, "model": "llama"})
    }

    fn export(messages: &[Value]) -> Value {
        let messages: serde_json::Map<_, _> =
            messages.iter().map(|m| (m["id"].as_str().unwrap().to_owned(), m.clone())).collect();
        json!({"id": "c1", "title": "T", "pinned": true, "archived": null, "created_at": 1_700_000_000, "updated_at": 1_700_000_100,
            "chat": {"title": "T", "models": ["qwen"], "system": "Be brief.", "history": {"currentId": "2", "messages": messages}}})
    }

    #[test]
    fn two_models_side_by_side() {
        let imported = taken(
            Format::OpenWebUi,
            &export(&[
                said("1", json!(null), "user", "q"),
                said("2", json!("1"), "assistant", "one"),
                said("3", json!("1"), "assistant", "two"),
                said("4", json!("3"), "user", "more"),
            ]),
        );
        assert_eq!(turns(&imported), ["q > one", "q > two", "more > "]);
        assert_eq!((imported.current, imported.turns[2].parent), (Some(0), Some(1)));
        assert_eq!(
            (imported.pinned, imported.archived, imported.system_prompt.as_deref()),
            (true, false, Some("Be brief."))
        );
        assert_eq!((imported.turns[0].model.as_str(), imported.updated), ("llama", 1_700_000_100));
    }

    #[test]
    fn what_is_folded_is_unfolded() {
        let thinking = "<details type=\"reasoning\" done=\"true\" duration=\"3\">\n<summary>Thought for 3 seconds</summary>\n&gt; a &lt; b\n&gt; so\n</details>\nYes.\n\
             <details type=\"tool_calls\" done=\"true\">\n<summary>Tool Executed</summary>\n&quot;18C&quot;\n</details>\nDone.";
        let imported = taken(
            Format::OpenWebUi,
            &export(&[said("1", json!(null), "user", "q"), said("2", json!("1"), "assistant", thinking)]),
        );
        assert_eq!(imported.turns[0].reasoning, "a < b\nso");
        assert_eq!(imported.turns[0].response, "Yes.\n```\nTool Executed\n\"18C\"\n```\nDone.");
        let open = "Use <details type=\"x\"> here";
        let imported = taken(Format::OpenWebUi, &export(&[said("1", json!(null), "user", open)]));
        assert_eq!(imported.turns[0].prompt, open);
    }

    #[test]
    fn older_shapes_and_odd_ones() {
        let mut bare =
            export(&[said("1", json!(null), "user", "q"), said("2", json!("1"), "assistant", "a")])["chat"]
                .clone();
        bare["timestamp"] = json!(1_700_000_000_000_i64);
        let imported = taken(Format::OpenWebUi, &bare);
        assert_eq!((turns(&imported), imported.created), (vec!["q > a".to_owned()], 1_700_000_000));
        let line = json!({"title": "T", "models": ["m"], "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:"}}]}]});
        assert_eq!(turns(&taken(Format::OpenWebUi, &line)), ["q > a\n\n*[picture]*"]);
        let mut odd = export(&[said("1", json!("gone"), "user", "q"), said("2", json!(7), "assistant", "")]);
        let nodes = &mut odd["chat"]["history"]["messages"];
        nodes["1"]["files"] = json!([{"type": "file", "name": "a.pdf"}, {"type": "image", "url": "data:"}]);
        nodes["2"]["parentId"] = json!("1");
        nodes["2"]["error"] = json!({"content": "no model"});
        nodes["3"] = json!(null);
        let imported = taken(Format::OpenWebUi, &odd);
        assert_eq!(turns(&imported), ["q\n\n*[a.pdf]*\n\n*[picture]* > *(no model)*"]);
    }
}
