//! What a person sees of one answer of the upstream: asked for whole and as a stream, and read again afterwards. All
//! of them must agree.

use super::client::text_of;
use super::upstream::{Step, stream_of};
use super::{Client, Server};
use serde_json::{Value, json};

/// An answer as it was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Of the plain reply.
    pub http: u16,
    pub status: String,
    pub text: String,
    pub reasoning: String,
    /// Empty for none.
    pub finish: String,
    /// Of the fault or notice; empty for none.
    pub code: String,
    pub sentence: String,
    pub usage: Value,
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// `reasoning` of all events since the last reset.
pub fn reasoning_of(events: &[super::client::Event]) -> String {
    let from = events.iter().rposition(|event| event.name == "reset").map_or(0, |i| i + 1);
    events[from..].iter().filter(|e| e.name == "reasoning").map(|e| string(&e.data["text"])).collect()
}

impl Seen {
    /// Plays `steps` twice and asks both ways.
    #[track_caller]
    pub fn of(server: &Server, client: &Client, steps: &[Step]) -> Seen {
        server.upstream.script(steps.to_vec());
        let plain = client.post("/api/chat", &json!({"message": "hi"}));
        server.upstream.script(steps.to_vec());
        let events = client.stream(&json!({"message": "hi"})).rest();
        Seen::agree(client, &plain, &events)
    }

    /// The same for a stream of these events.
    #[track_caller]
    pub fn of_events(server: &Server, client: &Client, events: &[String]) -> Seen {
        Seen::of(server, client, &[Step::Send(stream_of(events))])
    }

    #[track_caller]
    fn agree(client: &Client, plain: &super::Reply, events: &[super::client::Event]) -> Seen {
        let body = plain.json();
        let seen = Seen::stored(client, &body["id"], plain.status);
        assert_eq!(events[0].name, "turn", "{events:?}");
        let streamed = Seen::stored(client, &events[0].data["id"], plain.status);
        assert_eq!(format!("{seen:?}"), format!("{streamed:?}"), "plain and streamed differ");
        if plain.status == 200 {
            assert_eq!(
                (string(&body["reply"]), string(&body["reasoning"])),
                (seen.text.clone(), seen.reasoning.clone())
            );
            assert_eq!(
                (string(&body["status"]), string(&body["finish_reason"])),
                (seen.status.clone(), seen.finish.clone())
            );
            assert_eq!((string(&body["notice"]["code"]), &body["usage"]), (seen.code.clone(), &seen.usage));
        } else {
            assert_eq!((seen.status.as_str(), seen.text.as_str()), ("failed", ""));
            assert_eq!(
                (string(&body["code"]), string(&body["error"])),
                (seen.code.clone(), seen.sentence.clone())
            );
        }
        let done = events.last().unwrap();
        assert_eq!(done.name, "done", "{events:?}");
        assert_eq!(
            (string(&done.data["status"]), string(&done.data["reply"])),
            (seen.status.clone(), seen.text.clone())
        );
        assert_eq!(done.data["usage"], seen.usage);
        assert_eq!((text_of(events), reasoning_of(events)), (seen.text.clone(), seen.reasoning.clone()));
        let told: Vec<String> =
            events.iter().filter(|e| e.name == "error").map(|e| string(&e.data["code"])).collect();
        assert_eq!(told.concat(), seen.code, "{events:?}");
        seen
    }

    fn stored(client: &Client, id: &Value, http: u16) -> Seen {
        let turn = client.get(&format!("/api/chat/{id}")).expect(200).json();
        Seen {
            http,
            status: string(&turn["status"]),
            text: string(&turn["response"]),
            reasoning: string(&turn["reasoning"]),
            finish: string(&turn["finish_reason"]),
            code: string(&turn["error_code"]),
            sentence: string(&turn["error"]),
            usage: turn["usage"].clone(),
        }
    }
}
