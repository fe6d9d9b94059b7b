//! `public/privacy.json` says of every field why it is there and on what ground; a field without both cannot be added.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use zoufang_core::{access::Sensitive, document::shape, record::Kind};

fn table() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../public/privacy.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn texts<'v>(of: &'v Value, keys: &[&str]) -> Vec<&'v str> {
    keys.iter().map(|key| of[key].as_str().unwrap_or_default()).collect()
}

#[test]
fn every_field_has_a_purpose_and_a_ground_and_no_other_has() {
    let table = table();
    let mut said: BTreeMap<(String, String), bool> = BTreeMap::new();
    for group in table["groups"].as_array().unwrap() {
        let sensitive = group["sensitive"].as_bool().unwrap_or(false);
        for (kind, keys) in group["keys"].as_object().unwrap() {
            for key in keys.as_array().unwrap() {
                let place = (kind.clone(), key.as_str().unwrap().to_owned());
                assert_eq!(said.insert(place, sensitive), None, "{kind} {key} twice");
            }
        }
    }
    let fields = Kind::ALL.iter().flat_map(|kind| {
        let of_kind = shape::of(*kind);
        let fields: Vec<_> = of_kind.fields().collect();
        fields.into_iter().map(|field| ((kind.name().to_owned(), field.key.to_owned()), field.sensitive))
    });
    let mut fields: BTreeMap<_, _> = fields.collect();
    // Of a Party membership even who wrote it tells something.
    for ((kind, _), sensitive) in &mut fields {
        *sensitive |= kind == Kind::Party.name();
    }
    for ((kind, key), sensitive) in &mut said {
        *sensitive |= kind == Kind::Party.name();
        assert!(fields.contains_key(&(kind.clone(), key.clone())), "{kind} {key}: there is no such field");
    }
    let (said_keys, field_keys): (BTreeSet<_>, BTreeSet<_>) =
        (said.keys().collect(), fields.keys().collect());
    let missing: Vec<_> = field_keys.difference(&said_keys).collect();
    assert!(missing.is_empty(), "fields without purpose and ground: {missing:?}");
    for (place, sensitive) in &fields {
        assert_eq!(said[place], *sensitive, "{place:?}: sensitive or not");
    }
}

#[test]
fn a_sensitive_field_of_a_person_has_a_permission_of_its_own() {
    let of_kind = |kind| {
        let sensitive =
            shape::of(kind).fields().filter(|field| field.sensitive).collect::<Vec<_>>().into_iter();
        sensitive.map(move |field| (field.key, Sensitive::of_key(kind, &field.key.replace('*', "01X"))))
    };
    let groups: Vec<_> = of_kind(Kind::Person).chain(of_kind(Kind::Welfare)).collect();
    assert!(groups.len() >= 4, "{groups:?}");
    assert!(groups.iter().all(|(_, group)| group.is_some()), "{groups:?}");
}

#[test]
fn each_group_says_in_both_languages_what_why_and_on_what_ground() {
    let table = table();
    let grounds = table["grounds"].as_object().unwrap();
    for (name, ground) in grounds {
        assert!(texts(ground, &["zh", "en"]).iter().all(|text| !text.is_empty()), "{name}");
    }
    for group in table["groups"].as_array().unwrap() {
        let id = group["id"].as_str().unwrap();
        assert!(grounds.contains_key(group["ground"].as_str().unwrap()), "{id}");
        for language in ["zh", "en"] {
            let words = texts(&group[language], &["what", "why"]);
            assert!(words.iter().all(|text| !text.is_empty()), "{id} {language}");
            // A sensitive field needs more than a purpose: why it cannot be done without it (PIPL art. 28).
            let need = group[language]["need"].as_str().unwrap_or_default();
            assert_eq!(group["sensitive"] == true, !need.is_empty(), "{id} {language}");
        }
    }
}
