//! ChatGPT's export: `conversations.json`, since 2026 in parts (`conversations-000.json` and on). A conversation is a
//! `mapping` of nodes, each with its parent and perhaps a message; the content of a message is of one of many kinds.

use super::enclosed::{Enclosed, Source};
use super::json::{self, Object, text, time, value};
use super::prose;
use super::tree::{Chat, Message, Role};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What speaks with the model and not with the person; what they say to each other is left out, but for pictures.
const BEHIND_THE_SCENES: [&str; 15] = [
    "web",
    "browser",
    "bio",
    "dalle",
    "file_search",
    "myfiles_browser",
    "search",
    "image_gen",
    "t2uay3k",
    "guardian_tool",
    "api_tool",
    "gizmo_editor",
    "a8km123",
    "genui",
    "memory",
];
/// Kinds of content that nobody sees as such.
const UNSEEN: [&str; 7] = [
    "user_editable_context",
    "model_editable_context",
    "reasoning_recap",
    "tether_browsing_display",
    "tether_quote",
    "sonic_webpage",
    "system_error",
];

/// Reads a conversation.
pub fn read(object: &Object<'_>) -> Option<Chat> {
    let mapping = Object::parse(object.raw("mapping")?).ok()?;
    let mut messages: Vec<Message> = mapping.0.iter().map(|(id, node)| message(id, node.get())).collect();
    adopt(&mapping, &mut messages);
    Some(Chat {
        id: object.text(&["conversation_id", "id"]),
        title: object.text(&["title"]),
        model: object.text(&["model_slug", "default_model_slug"]),
        system_prompt: None,
        pinned: object.has("pinned_time") || object.flag("is_starred"),
        archived: object.flag("is_archived"),
        created: object.time(&["create_time"]),
        updated: object.time(&["update_time"]),
        current: object.text(&["current_node"]),
        messages,
    })
}

/// Nodes that name no parent belong to whom names them as children.
fn adopt(mapping: &Object<'_>, messages: &mut [Message]) {
    if messages.iter().filter(|message| message.parent.is_none()).count() < 2 {
        return;
    }
    let mut parent_of: HashMap<String, &str> = HashMap::new();
    for (id, node) in &mapping.0 {
        let children = Object::parse(node.get()).ok().and_then(|node| node.raw("children"));
        for child in children.map(json::elements).unwrap_or_default() {
            if let Ok(child) = serde_json::from_str::<String>(child) {
                parent_of.insert(child, id);
            }
        }
    }
    for message in messages.iter_mut().filter(|message| message.parent.is_none()) {
        message.parent = parent_of.get(&message.id).map(|parent| (*parent).to_owned());
    }
}

fn message(id: &str, node: &str) -> Message {
    let Some(node) = value(node) else {
        // The tree must not break where one message is beyond reading.
        let parent = Object::parse(node).ok().and_then(|node| node.text(&["parent"]));
        return Message {
            id: id.into(),
            parent,
            role: Role::Model,
            text: prose::raw(node),
            ..Message::default()
        };
    };
    let message = &node["message"];
    let content = &message["content"];
    let role = role(message);
    let (mut said, mut thought, mut files) = (String::new(), String::new(), Vec::new());
    if role != Role::Hidden {
        files = enclosed(message);
        match content["content_type"].as_str() {
            Some("thoughts") => thought = thoughts(&content["thoughts"]),
            _ => said = words(message),
        }
    }
    Message {
        id: id.to_owned(),
        parent: text(&node["parent"]).map(str::to_owned),
        role,
        text: said,
        files,
        reasoning: thought,
        model: text(&message["metadata"]["model_slug"]).map(str::to_owned),
        time: time(&message["create_time"]).or_else(|| time(&message["update_time"])),
    }
}

fn role(message: &Value) -> Role {
    let hidden = message.is_null()
        || message["metadata"]["is_visually_hidden_from_conversation"] == true
        || message["content"]["content_type"].as_str().is_some_and(|kind| UNSEEN.contains(&kind));
    if hidden { Role::Hidden } else { Role::of(message["author"]["role"].as_str()) }
}

fn is_behind_the_scenes(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    BEHIND_THE_SCENES.contains(&first)
}

/// What a person reads of a message.
fn words(message: &Value) -> String {
    let content = &message["content"];
    let from_tool = message["author"]["role"] == "tool";
    let with = if from_tool { &message["author"]["name"] } else { &message["recipient"] };
    let with = with.as_str().filter(|name| *name != "all" && !name.is_empty());
    let all = whole(content);
    let mut said = match with {
        Some(name) if is_behind_the_scenes(name) => pictures(content),
        Some(name) if name.starts_with("canmore.") => document(&all),
        Some(_) if content["content_type"] == "text" && !all.trim().is_empty() => prose::fence("", &all),
        _ => all,
    };
    for (_, name) in not_shown(message) {
        prose::add(&mut said, &prose::named_file(name));
    }
    said
}

/// Identity and name of the files that go with a message and are no part of its content.
fn not_shown(message: &Value) -> impl Iterator<Item = (&str, &str)> {
    let shown: HashSet<&str> = pointers(&message["content"]).into_iter().map(identity).collect();
    let files = message["metadata"]["attachments"].as_array().into_iter().flatten();
    let files =
        files.map(|file| (text(&file["id"]).unwrap_or_default(), text(&file["name"]).unwrap_or("file")));
    files.filter(move |(id, _)| id.is_empty() || !shown.contains(id))
}

/// Pictures and files that lie beside the conversations, each in a file whose name begins with its identity.
fn enclosed(message: &Value) -> Vec<Enclosed> {
    let attachments = message["metadata"]["attachments"].as_array().into_iter().flatten();
    let names: HashMap<&str, &str> =
        attachments.filter_map(|file| Some((text(&file["id"])?, text(&file["name"])?))).collect();
    let shown = pointers(&message["content"]).into_iter().map(identity).filter(|id| !id.is_empty());
    let pictures = shown.map(|id| Enclosed {
        name: names.get(id).map(|name| (*name).to_owned()),
        word: prose::PICTURE.into(),
        source: Source::Beside(id.to_owned()),
    });
    let others = not_shown(message).filter(|(id, _)| !id.is_empty()).map(|(id, name)| Enclosed {
        name: Some(name.to_owned()),
        word: prose::named_file(name),
        source: Source::Beside(id.to_owned()),
    });
    pictures.chain(others).collect()
}

/// Content of any kind.
fn whole(content: &Value) -> String {
    let parts = content["parts"].as_array();
    let plain = text(&content["text"]).or(text(&content["content"])).or(text(&content["result"]));
    match (content["content_type"].as_str(), parts, plain) {
        (Some("code"), _, Some(code)) => prose::fence(language(content), code),
        (Some("execution_output"), _, Some(output)) => prose::fence("", output),
        (_, Some(parts), _) => {
            let mut said = String::new();
            parts.iter().for_each(|each| prose::add(&mut said, &part(each)));
            if said.is_empty() && !parts.is_empty() && parts.iter().all(is_sound) {
                said = "*[voice message]*".into();
            }
            prose::without_marks(&said)
        }
        (_, None, Some(plain)) => prose::without_marks(plain),
        _ if content.as_object().is_some_and(|object| object.len() > 1) => prose::unknown(content),
        _ => text(content).unwrap_or_default().to_owned(),
    }
}

fn language(content: &Value) -> &str {
    text(&content["language"]).filter(|language| *language != "unknown").unwrap_or_default()
}

fn is_sound(part: &Value) -> bool {
    part["content_type"].as_str().is_some_and(|kind| kind.contains("audio") || kind.contains("video"))
}

fn part(part: &Value) -> String {
    match part["content_type"].as_str() {
        Some("image_asset_pointer") => prose::PICTURE.into(),
        Some("audio_transcription") => text(&part["text"]).unwrap_or_default().to_owned(),
        Some(_) if is_sound(part) => String::new(),
        _ => text(&part["text"]).map_or_else(|| prose::unknown(part), str::to_owned),
    }
}

fn pictures(content: &Value) -> String {
    let mut said = String::new();
    pointers(content).iter().for_each(|_| prose::add(&mut said, prose::PICTURE));
    said
}

/// What a pointer points to, without the scheme before it and what may follow.
fn identity(pointer: &str) -> &str {
    let id = pointer.split_once("://").map_or(pointer, |(_, id)| id);
    id.split(['#', '?']).next().unwrap_or_default()
}

fn pointers(content: &Value) -> Vec<&str> {
    let parts = content["parts"].as_array().into_iter().flatten();
    let pictures = parts.filter(|part| part["content_type"] == "image_asset_pointer");
    pictures.filter_map(|part| text(&part["asset_pointer"])).collect()
}

/// A document that the model writes beside the conversation: JSON with its name and text.
fn document(call: &str) -> String {
    let inside = call.trim_matches('`').trim_start_matches("json").trim();
    match serde_json::from_str::<Value>(inside) {
        Ok(call) if text(&call["content"]).is_some() => prose::text_file(
            text(&call["name"]).unwrap_or("document"),
            text(&call["content"]).unwrap_or_default(),
        ),
        _ if call.trim().is_empty() => String::new(),
        _ => prose::fence("json", inside),
    }
}

fn thoughts(all: &Value) -> String {
    let mut out = String::new();
    for thought in all.as_array().into_iter().flatten() {
        let (summary, content) = (text(&thought["summary"]), text(&thought["content"]));
        prose::add(&mut out, &summary.map(|summary| format!("**{summary}**")).unwrap_or_default());
        prose::add(&mut out, content.unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Format;
    use crate::import::tests::{NOW, taken, turns};
    use serde_json::json;

    fn node(parent: &str, role: &str, content: impl Into<Value>) -> Value {
        let content = content.into();
        json!({"parent": parent, "message": {"author": {"role": role}, "create_time": 1_700_000_000.5, "content": content}})
    }

    fn said(parent: &str, role: &str, text: &str) -> Value {
        node(parent, role, json!({"content_type": "text", "parts": [text]}))
    }

    /// One question and an answer made of these nodes, one after the other.
    fn answered(nodes: &[Value]) -> (String, String) {
        let mut mapping = json!({"0": said("root", "user", "q")});
        for (at, node) in nodes.iter().enumerate() {
            mapping[(at + 1).to_string()] = node.clone();
            mapping[(at + 1).to_string()]["parent"] = json!(at.to_string());
        }
        let imported = taken(Format::ChatGpt, &json!({"id": "c", "mapping": mapping}));
        assert_eq!(imported.turns.len(), 1, "{:?}", turns(&imported));
        (imported.turns[0].response.clone(), imported.turns[0].reasoning.clone())
    }

    #[test]
    fn c22_odd_conversations_are_taken_in() {
        let export = json!({
            "id": "c1", "conversation_id": "c1", "title": null, "create_time": null, "update_time": 1_700_000_900.25,
            "default_model_slug": "gpt-4o", "is_archived": true, "pinned_time": 1_700_000_000.0, "current_node": "a2",
            "mapping": {
                "root": {"id": "root", "message": null, "parent": null, "children": ["sys"]},
                "sys": {"parent": "root", "message": {"author": {"role": "system"}, "content": {"content_type": "text", "parts": ["secret rules"]}}},
                "ctx": {"parent": "sys", "message": {"author": {"role": "user"}, "create_time": null, "metadata": {"is_visually_hidden_from_conversation": true},
                    "content": {"content_type": "user_editable_context", "user_profile": "hidden profile"}}},
                "u1": said("ctx", "user", "first\nquestion"),
                "a1": {"parent": "u1", "message": {"author": {"role": "assistant"}, "create_time": 1_700_000_010.0, "status": "finished_successfully",
                    "content": {"content_type": "text", "parts": ["an", "swer"]}, "metadata": {"model_slug": "gpt-4"}}},
                "a2": {"parent": "u1", "message": {"author": {"role": "assistant"}, "create_time": 1_700_000_020.0,
                    "content": {"content_type": "text", "parts": ["better"]}}},
            },
        });
        let imported = taken(Format::ChatGpt, &export);
        assert_eq!(turns(&imported), ["first\nquestion > an\n\nswer", "first\nquestion > better"]);
        assert_eq!((imported.title.as_str(), imported.source_id.as_str()), ("first question", "c1"));
        assert_eq!((imported.created, imported.updated), (1_700_000_000, 1_700_000_900));
        assert_eq!((imported.pinned, imported.archived, imported.current), (true, true, Some(1)));
        let models: Vec<_> = imported.turns.iter().map(|turn| turn.model.as_str()).collect();
        assert_eq!(models, ["gpt-4", "gpt-4o"]);
        assert!(
            !format!("{imported:?}").contains("secret")
                && !format!("{imported:?}").contains("hidden profile")
        );
    }

    #[test]
    fn thoughts_code_and_output_have_their_places() {
        let thoughts = json!({"content_type": "thoughts", "thoughts": [{"summary": "Plan", "content": "do it"}, {"summary": "", "content": "well"}]});
        let mut code =
            node("", "assistant", json!({"content_type": "code", "language": "python", "text": "print(1)"}));
        code["message"]["recipient"] = json!("python");
        let mut search = said("", "assistant", "{\"query\":\"weather\"}");
        search["message"]["recipient"] = json!("web.run");
        let mut found = node("", "tool", json!({"content_type": "sonic_webpage", "text": "all of a page"}));
        found["message"]["author"]["name"] = json!("web.run");
        let (response, reasoning) = answered(&[
            node("", "assistant", thoughts),
            node("", "assistant", json!({"content_type": "reasoning_recap", "content": "Thought for 5s"})),
            code,
            node("", "tool", json!({"content_type": "execution_output", "text": "1"})),
            search,
            found,
            said("", "assistant", "One\u{E200}cite\u{E202}turn0\u{E201}."),
        ]);
        assert_eq!(reasoning, "**Plan**\n\ndo it\n\nwell");
        assert_eq!(response, "```python\nprint(1)\n```\n\n```\n1\n```\n\nOne.");
    }

    #[test]
    fn pictures_voices_documents_and_files_leave_a_word() {
        let picture =
            json!({"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1", "width": 2});
        let mut asked = node(
            "root",
            "user",
            json!({"content_type": "multimodal_text", "parts": [picture, "What is it?"]}),
        );
        asked["message"]["metadata"] = json!({"attachments": [{"id": "file_1", "name": "cat.png"}, {"id": "file-2", "name": "a\nb.pdf"}]});
        let mut drawn = node(
            "",
            "tool",
            json!({"content_type": "multimodal_text", "parts": [picture, "Do not describe it."]}),
        );
        drawn["message"]["author"]["name"] = json!("dalle.text2im");
        let mut document =
            said("", "assistant", "{\"name\":\"Plan\",\"type\":\"document\",\"content\":\"# Plan\"}");
        document["message"]["recipient"] = json!("canmore.create_textdoc");
        let voice = json!({"content_type": "multimodal_text", "parts": [{"content_type": "real_time_user_audio_video_asset_pointer"}]});
        let spoken = json!({"content_type": "multimodal_text", "parts": [{"content_type": "audio_transcription", "text": "hello"},
            {"content_type": "audio_asset_pointer"}]});
        let export = json!({"mapping": {"u1": asked, "a1": {"parent": "u1", "message": drawn["message"]},
            "a2": {"parent": "a1", "message": document["message"]}, "u2": node("a2", "user", voice), "u3": node("u2", "user", spoken)}});
        let imported = taken(Format::ChatGpt, &export);
        assert_eq!(
            turns(&imported),
            [
                "*[picture]*\n\nWhat is it?\n\n*[a b.pdf]* > *[picture]*\n\n*[Plan]*\n\n```\n# Plan\n```",
                "*[voice message]* > ",
                "hello > "
            ]
        );
    }

    #[test]
    fn unknown_content_is_readable_and_a_bad_node_costs_no_chat() {
        let export = json!({"mapping": {
            "u1": {"parent": null, "message": {"author": {"role": "user"}, "content": "plain words"}},
            "a1": node("u1", "assistant", json!({"content_type": "hologram", "depth": 3})),
            "a2": node("a1", "critic", json!({"content_type": "text", "parts": [{"deep": [1]}, 7, null]})),
            "a3": {"parent": "a2", "message": {"content": {"content_type": "new_kind", "text": "words"}}},
            "a4": {"parent": "a3", "message": "what?"},
            "x": 5, "y": null, "z": [1],
        }});
        let imported = taken(Format::ChatGpt, &export);
        let all = &turns(&imported)[0];
        for wanted in ["plain words > ", "hologram", "\"depth\": 3", "\"deep\"", "7", "words"] {
            assert!(all.contains(wanted), "{wanted} in {all}");
        }
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let text = format!(
            "{{\"mapping\":{{\"u\":{},\"a\":{{\"parent\":\"u\",\"message\":{{\"x\":{deep}}}}},\"v\":{}}}}}",
            said("", "user", "before"),
            said("a", "user", "after")
        );
        let Ok(read) = crate::import::conversation(text.as_bytes(), NOW) else { panic!() };
        let imported = read.conversation;
        assert_eq!(imported.turns.len(), 2);
        assert!(imported.turns[0].response.contains("[[[[") && imported.turns[1].parent == Some(0));
    }

    #[test]
    fn children_make_up_for_parents_that_are_not_named() {
        let mut mapping = json!({"u1": said("", "user", "q"), "a1": said("", "assistant", "a"), "u2": said("", "user", "r")});
        for (id, children) in [("u1", json!(["a1"])), ("a1", json!(["u2", 5])), ("u2", json!(null))] {
            mapping[id]["parent"] = json!(null);
            mapping[id]["children"] = children;
        }
        let imported = taken(Format::ChatGpt, &json!({"mapping": mapping, "current_node": 5}));
        assert_eq!(
            (turns(&imported), imported.turns[1].parent),
            (vec!["q > a".to_owned(), "r > ".to_owned()], Some(0))
        );
    }
}
