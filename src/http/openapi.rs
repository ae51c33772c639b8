//! The reference, made of the one table of routes and of the types that go over the wire.

use super::reply::ErrorBody;
use super::route::{Access, Body, Route, Upload};
use super::routes;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.1>).
pub fn document(base_path: &str) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let error = generator.subschema_for::<ErrorBody>();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let operation = operation(route, &mut generator, error.as_value());
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.verb.as_str().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "gpt-assistant",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every route takes `tz` in its query: the time zone of written times, such as Asia/Shanghai. Statuses that every \
                route may give: 400, 404, 405, 413, 415, 429, 500 and 503, each with the same body.",
        },
        "servers": [{"url": if base_path.is_empty() { "/" } else { base_path }}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"login": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator, error: &Value) -> Value {
    let described = route.gives.map(|schema| ("application/json", json!({"schema": schema(generator)})));
    // Files and streams, of which a schema could say no more.
    let files = route.gives_other.iter().map(|media_type| (*media_type, json!({})));
    let content: Map<String, Value> =
        files.chain(described).map(|(media_type, what)| (media_type.to_owned(), what)).collect();
    let done = if route.done == 202 { "Begun." } else { "Done." };
    let mut responses = json!({route.done.to_string(): {"description": done, "content": content}});
    for status in statuses(route) {
        let fault = json!({"application/json": {"schema": error}});
        responses[status.to_string()] = json!({"description": "An error.", "content": fault});
    }
    let mut operation = json!({
        "summary": route.about,
        "operationId": operation_id(route),
        "parameters": parameters(route),
        "responses": responses,
    });
    if let Some(body) = body(route, generator) {
        operation["requestBody"] = body;
    }
    if route.access != Access::Public {
        operation["security"] = json!([{"login": []}]);
    }
    operation
}

fn body(route: &Route, generator: &mut SchemaGenerator) -> Option<Value> {
    match route.body {
        Body::None => None,
        Body::Json(schema, _) => {
            Some(json!({"required": true, "content": {"application/json": {"schema": schema(generator)}}}))
        }
        Body::File(Upload { field, .. }) => {
            let file = json!({"type": "string", "contentMediaType": "application/octet-stream"});
            let form = json!({"type": "object", "required": [field], "properties": {field: file}});
            Some(json!({"required": true, "content": {"multipart/form-data": {"schema": form}}}))
        }
        Body::Whole => Some(json!({"required": true, "content": {"application/octet-stream": {}}})),
    }
}

fn statuses(route: &Route) -> Vec<u16> {
    let mut all = vec![400, 404, 405, 413, 415, 429, 500, 503];
    if !matches!(route.body, Body::None) {
        all.push(408);
    }
    if route.access != Access::Public {
        all.push(401);
    }
    if route.access == Access::Admin {
        all.push(403);
    }
    all.extend_from_slice(route.also);
    all.sort_unstable();
    all.dedup();
    all
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "integer", "minimum": 1}})
    });
    let in_query = route.query.iter().map(|query| {
        json!({
            "name": query.name,
            "in": "query",
            "required": false,
            "description": query.about,
            "schema": query_schema(query.kind),
        })
    });
    in_path.chain(in_query).collect()
}

fn query_schema(kind: &str) -> Value {
    let words: Vec<&str> = kind.split('|').collect();
    if words.len() > 1 { json!({"type": "string", "enum": words}) } else { json!({"type": kind}) }
}

fn operation_id(route: &Route) -> String {
    let words = route.path.trim_start_matches("/api/").replace(['/', '-', '.'], "_").replace(['{', '}'], "");
    format!("{}_{words}", route.verb.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_route_is_in_it_with_an_id_of_its_own() {
        let document = document("");
        let mut ids = HashSet::new();
        for route in routes() {
            let operation = &document["paths"][route.path][route.verb.as_str().to_ascii_lowercase()];
            assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{}", route.path);
            assert!(ids.insert(operation["operationId"].to_string()), "{}", route.path);
            assert_eq!(operation["security"].is_array(), route.access != Access::Public, "{}", route.path);
            let may_be_slow = operation["responses"]["408"].is_object();
            assert_eq!(may_be_slow, operation["requestBody"].is_object(), "{}", route.path);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    for (key, value) in map {
                        match (key.as_str(), value) {
                            ("$ref", Value::String(path)) => found.push(path.clone()),
                            _ => walk(value, found),
                        }
                    }
                }
                Value::Array(all) => all.iter().for_each(|value| walk(value, found)),
                _ => {}
            }
        }
        let (document, mut found) = (document("/chat"), Vec::new());
        walk(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_shape_has_a_name_of_its_own() {
        // The second of one name would get a number.
        let document = document("");
        let names = document["components"]["schemas"].as_object().unwrap().keys();
        let numbered: Vec<&String> =
            names.filter(|name| name.ends_with(|last: char| last.is_numeric())).collect();
        assert!(numbered.is_empty(), "{numbered:?}");
    }

    #[test]
    fn every_route_is_in_the_document_for_reading() {
        let document = include_str!("../../docs/API.md");
        for route in routes() {
            let named = format!("`{} {}`", route.verb.as_str(), route.path);
            assert!(document.contains(&named), "docs/API.md lacks {named}");
        }
    }
}
