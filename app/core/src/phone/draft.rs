//! Drafts: what is being typed into a form and is not saved yet.
use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{
    document::Document,
    encode,
    record::{ChangeHash, DocId, Entries, Timestamp},
};

/// What a form holds: the record's entries as far as they can be read, and texts that cannot be read yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct DraftText {
    /// The record as the form shows it.
    #[n(0)]
    pub entries: Entries,
    /// Half-typed texts by field.
    #[n(1)]
    pub typed: BTreeMap<String, String>,
    /// The heads of the record when the form was opened; none for a new record.
    #[n(2)]
    pub base: Vec<ChangeHash>,
}

/// A draft as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Draft {
    /// When it was kept, by the phone's clock.
    #[n(0)]
    pub saved_at: Timestamp,
    /// What was typed.
    #[n(1)]
    pub text: DraftText,
}

impl Draft {
    /// The key of the draft of a record that there is; `form` names the form.
    #[must_use]
    pub fn key(form: &str, doc: DocId) -> String {
        format!("{form}:{doc}")
    }

    /// The keys that drafts about this document may have: corrections of it, and new records that name it.
    #[must_use]
    pub fn keys_of(doc: DocId) -> Vec<String> {
        ["person", "welfare", "visit", "contact", "visit-new", "contact-new"]
            .map(|form| Self::key(form, doc))
            .to_vec()
    }

    /// As bytes for the store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// Of the store's bytes; one that cannot be read is as good as none.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }
}

/// What a form of a record that there is began with: a save writes what differs from it, on top of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The heads that the person saw.
    pub heads: Vec<ChangeHash>,
    /// The record then.
    pub entries: Entries,
}

impl Base {
    /// The record as the draft found it, or else as it is now.
    #[must_use]
    pub fn of(document: &Document, draft: Option<&DraftText>) -> Self {
        let heads = draft.map(|draft| draft.base.as_slice()).filter(|heads| !heads.is_empty());
        let then = heads.and_then(|heads| document.at(heads));
        let seen = then.as_ref().unwrap_or(document);
        Self { heads: seen.heads(), entries: seen.entries() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{DeviceId, Kind, Patch, UserId, Value};

    #[test]
    fn a_draft_reads_back_and_garbage_is_none() {
        let mut text = DraftText { base: vec![ChangeHash([7; 32])], ..DraftText::default() };
        text.entries.put_text("name", Some("张伟"));
        text.typed.insert("birth".into(), "195".into());
        let draft = Draft { saved_at: Timestamp(5), text };
        assert_eq!(Draft::of_bytes(&draft.to_bytes()), Some(draft.clone()));
        for cut in 0..draft.to_bytes().len() {
            assert_eq!(Draft::of_bytes(&draft.to_bytes()[..cut]), None);
        }
    }

    #[test]
    fn a_form_goes_on_from_what_its_draft_saw() {
        let mut document = Document::new(Kind::Person);
        let set = |document: &mut Document, number, name: &str| {
            let actor = DeviceId(1).actor([number; 8]);
            document
                .commit(actor, UserId(1), Timestamp(0), &Patch::set("name", Value::Text(name.into())))
                .unwrap();
        };
        set(&mut document, 1, "张伟");
        let seen = document.heads();
        set(&mut document, 2, "张玮");
        let draft = DraftText { base: seen.clone(), ..DraftText::default() };
        assert_eq!(Base::of(&document, Some(&draft)).entries.text("name").as_deref(), Some("张伟"));
        assert_eq!(Base::of(&document, Some(&draft)).heads, seen);
        let lost = DraftText { base: vec![ChangeHash([9; 32])], ..DraftText::default() };
        for draft in [None, Some(&lost), Some(&DraftText::default())] {
            assert_eq!(Base::of(&document, draft).entries.text("name").as_deref(), Some("张玮"));
        }
    }
}
