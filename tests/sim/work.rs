//! What people do with their phones: open the app, make records, edit them with forms that stay open while news comes in,
//! choose between values, write notes, take entries away, read what was refused.

use std::collections::BTreeMap;

use anyhow::Result;
use zoufang_core::{
    document::Document,
    phone::{Account, Edit},
    record::{DocId, Kind, UnitId, Value, list::Role},
};

use crate::{
    fault::Fault,
    phone::{Form, Job, Out, patch},
    world::{DAY_MS, Item, Kind as FailureKind, World},
};

const HOUR_MS: i64 = 3_600_000;
const FORMS_MAX: usize = 4;

type Changes = BTreeMap<String, Option<Value>>;

impl World {
    /// Puts every day's stints and mishaps on the agenda.
    pub(crate) fn plan_days(&mut self) {
        for day in 0..self.config.days {
            let morning = day as i64 * DAY_MS;
            for phone in 0..self.phones.len() {
                self.plan_day_of(phone, morning);
            }
            self.plan_mishaps(morning);
        }
    }

    /// One device-day.
    pub(crate) fn plan_day_of(&mut self, phone: usize, morning: i64) {
        for _ in 0..=self.work.below(self.config.stints_max) {
            let time = morning + self.work.between(6 * HOUR_MS, 20 * HOUR_MS);
            self.at(time, Item::Open(phone));
        }
        self.plan_mishaps_of(phone, morning);
    }

    /// A person takes the phone in hand.
    pub(crate) fn open(&mut self, phone: usize) -> Result<()> {
        let until = self.now + self.work.between(40_000, 600_000);
        let online = !self.strikes(Fault::Offline);
        let it = &mut self.phones[phone];
        it.online = online;
        if self.now >= it.open_until {
            it.open_since = self.now;
        }
        // Whoever starts an app again and again that dies gives up after a while.
        it.open_until = it.open_until.max(until.min(it.open_since + HOUR_MS));
        let (open_until, started) = (it.open_until, it.tab.is_none());
        if started {
            it.start();
        }
        let life = it.life;
        self.note("open", phone, &[life, started.into(), online.into()], &[]);
        if started && self.work.happens(100) {
            self.enqueue(phone, Job::Tidy);
        }
        self.sign_in(phone)?;
        self.begin(phone);
        for _ in 0..=self.work.below(self.config.saves_max) {
            let time = self.work.between(self.now, open_until);
            self.at(time, Item::Work(phone, life));
        }
        self.at(open_until, Item::Close(phone, life));
        self.plan_mishaps_in_stint(phone, open_until);
        Ok(())
    }

    /// A person puts the phone away; the browser may keep the app for a while or not.
    pub(crate) fn close(&mut self, phone: usize, life: u64) {
        let ends = self.work.happens(600);
        if self.phones[phone].life == life && ends {
            self.note("close", phone, &[life], &[]);
            self.phones[phone].tab = None;
            self.phones[phone].life += 1;
        }
    }

    /// Signs in, where that is needed and possible.
    pub(crate) fn sign_in(&mut self, phone: usize) -> Result<()> {
        let it = &self.phones[phone];
        if self.is_signed_in(phone) || !it.online || !self.server_up || it.revoked {
            return Ok(());
        }
        let is_copy = it.tab.as_ref().is_some_and(|tab| tab.phone.is_cloned());
        let account = it.tab.as_ref().and_then(|tab| tab.phone.account());
        let (enrolled, former) =
            account.map_or((it.device, Vec::new()), |account| (account.device, account.former.clone()));
        let (token, device) = self.server.admit(&it.login, enrolled, is_copy, former)?;
        self.phones[phone].device = device;
        let it = &self.phones[phone];
        let account = Account {
            user: it.user,
            sign_in_name: it.login.clone(),
            name: it.login.clone(),
            role: it.role,
            unit: it.home,
            unit_name: String::new(),
            device: it.device,
            token: Some(token),
            former: Vec::new(),
        };
        self.note("sign in", phone, &[], &[]);
        self.enqueue(phone, Job::Account(Box::new(account)));
        Ok(())
    }

    /// A person does something.
    pub(crate) fn work(&mut self, phone: usize, life: u64) {
        let dice = self.work.below(100);
        let make = self.work.below(self.config.new_one_in) == 0;
        let Some(tab) = self.tab(phone, life) else { return };
        if tab.phone.account().is_none() {
            return;
        }
        let nothing_yet = tab.phone.rows().next().is_none();
        if nothing_yet || make {
            return self.create(phone);
        }
        match dice {
            0..30 => self.edit_now(phone),
            30..60 => self.open_form(phone),
            60..85 => self.save_form(phone),
            85..97 => self.choose(phone),
            _ => self.dismiss(phone),
        }
    }

    /// Makes a record.
    fn create(&mut self, phone: usize) {
        let is_of_today = self.phones[phone].version.is_none();
        let mut kinds = kinds(self.phones[phone].role);
        kinds.retain(|kind| is_of_today || *kind != Kind::Welfare);
        let Some(kind) = self.work.pick(&kinds) else { return };
        let Some(tab) = self.phones[phone].tab.as_ref() else { return };
        let logs = tab.phone.scope().iter().map(|(log, _)| *log);
        let mut units: Vec<UnitId> = logs.filter(|log| log.unit() == *log).collect();
        if units.is_empty() {
            units.push(self.phones[phone].home);
        }
        let people = self.docs(phone, |it, _| it == Kind::Person);
        let Some(unit) = self.work.pick(&units) else { return };
        // An older app knows one log of a unit.
        let log = if is_of_today { unit.log(kind.class()) } else { unit };
        let (person, user) = (self.work.pick(&people), self.phones[phone].user);
        let mut changes = self.new_entries(kind, person);
        let now = self.phone_clock(phone);
        changes.insert("created_by".to_owned(), Some(Value::Int(user.0.into())));
        changes.insert("created_at".to_owned(), Some(Value::Int(now.0.max(0))));
        let doc = DocId::from_parts(now, self.work.bytes());
        self.save(phone, doc, Some((kind, log)), Vec::new(), changes, None);
    }

    /// Edits what is newest.
    fn edit_now(&mut self, phone: usize) {
        let Some((doc, kind, own)) = self.some_record(phone) else { return };
        let changes = self.some_changes(kind, own, phone);
        self.save(phone, doc, None, Vec::new(), changes, None);
    }

    /// Opens a record in a form and looks at it; it is checked against the oracle on the way.
    fn open_form(&mut self, phone: usize) {
        let Some((doc, ..)) = self.some_record(phone) else { return };
        if self.phones[phone].image.forms.len() >= FORMS_MAX {
            return self.save_form(phone);
        }
        let Some(document) = self.look(phone, doc) else { return };
        let image = &mut self.phones[phone].image;
        let seen = image.held.get(&doc).map(|held| self.oracle.whole(held)).unwrap_or_default();
        image.forms.push(Form { doc, base: document.heads(), seen });
        self.note("form", phone, &[], &doc.0);
    }

    /// Saves a form that was opened some time ago.
    fn save_form(&mut self, phone: usize) {
        let place = self.work.below(self.phones[phone].image.forms.len());
        if place >= self.phones[phone].image.forms.len() {
            return self.edit_now(phone);
        }
        let form = self.phones[phone].image.forms.remove(place);
        let Some((kind, own)) = self.kind_of(phone, form.doc) else { return };
        let changes = self.some_changes(kind, own, phone);
        self.save(phone, form.doc, None, form.base, changes, Some(form.seen));
    }

    /// Chooses between the values of a field in conflict.
    fn choose(&mut self, phone: usize) {
        let in_conflict = self.docs_where(phone, |row| row.conflicts > 0);
        let Some(doc) = self.work.pick(&in_conflict) else { return self.edit_now(phone) };
        let Some(document) = self.look(phone, doc) else { return };
        let conflicts = document.conflicts();
        let Some(conflict) = conflicts.get(self.work.below(conflicts.len())) else { return };
        let Some(claim) = conflict.claims.get(self.work.below(conflict.claims.len())) else { return };
        let changes = Changes::from([(conflict.key.clone(), Some(claim.value.clone()))]);
        let seen = self.phones[phone].image.held.get(&doc).map(|held| self.oracle.whole(held));
        self.note("choose", phone, &[], &doc.0);
        self.save(phone, doc, None, document.heads(), changes, seen);
    }

    /// Reads a refused change and lets it go.
    fn dismiss(&mut self, phone: usize) {
        let refused = self.phones[phone].image.outbox.iter().find(|(_, out)| matches!(out, Out::Refused(_)));
        let Some(id) = refused.map(|(id, _)| *id) else { return };
        let hash = zoufang_core::record::ChangeHash(self.oracle.edit(id).hash);
        self.enqueue(phone, Job::Dismiss(id, hash));
    }

    /// Opens a document and compares it with what the oracle says that this phone must show.
    fn look(&mut self, phone: usize, doc: DocId) -> Option<Document> {
        let tab = self.phones[phone].tab.as_ref()?;
        // What is being written is not in memory yet.
        if tab.running.as_ref().is_some_and(|running| running.written) {
            return None;
        }
        let segments = self.phones[phone].image.disk.segments(tab.phone.segments_of(doc));
        match tab.phone.document(doc, &segments) {
            Ok(found) => {
                let (document, _) = found?;
                let seen = crate::kept::seen_by(&self.oracle, &self.phones[phone].image, doc, None);
                if let Some(words) = crate::check::differs(&self.oracle, &seen, &document) {
                    self.fail(FailureKind::Diverged, Some(phone), Some(doc), words);
                }
                Some(document)
            }
            Err(error) => {
                let words = format!("a record cannot be opened: {error}");
                self.fail(FailureKind::Diverged, Some(phone), Some(doc), words);
                None
            }
        }
    }

    fn save(
        &mut self,
        phone: usize,
        doc: DocId,
        new: Option<(Kind, UnitId)>,
        base: Vec<zoufang_core::record::ChangeHash>,
        changes: Changes,
        form: Option<crate::oracle::Seen>,
    ) {
        let actor = self.phones[phone].device.actor(self.work.bytes());
        let (author, at) = (self.phones[phone].user, self.phone_clock(phone));
        let edit = Edit { doc, new, base, patch: patch(changes), actor, author, at };
        self.enqueue(phone, Job::Save(Box::new(edit), form));
    }

    /// A record that this role may write, its kind, and whether it is this user's own.
    fn some_record(&mut self, phone: usize) -> Option<(DocId, Kind, bool)> {
        let may = kinds(self.phones[phone].role);
        let mut docs = self.docs(phone, |kind, _| may.contains(&kind));
        // In a crowd everybody writes to the oldest few.
        if self.config.crowded {
            docs.truncate(3);
        }
        let doc = self.work.pick(&docs)?;
        self.kind_of(phone, doc).map(|(kind, own)| (doc, kind, own))
    }

    fn kind_of(&self, phone: usize, doc: DocId) -> Option<(Kind, bool)> {
        let tab = self.phones[phone].tab.as_ref()?;
        let row = tab.phone.rows().find(|row| row.doc == doc)?;
        Some((row.kind(), row.created_by == self.phones[phone].user))
    }

    fn docs(&self, phone: usize, fits: impl Fn(Kind, bool) -> bool) -> Vec<DocId> {
        let user = self.phones[phone].user;
        self.docs_where(phone, |row| fits(row.kind(), row.created_by == user))
    }

    fn docs_where(&self, phone: usize, fits: impl Fn(&zoufang_core::query::Row) -> bool) -> Vec<DocId> {
        let may = kinds(self.phones[phone].role);
        let tab = self.phones[phone].tab.as_ref();
        let rows = tab.into_iter().flat_map(|tab| tab.phone.rows());
        rows.filter(|row| may.contains(&row.kind()) && fits(row)).map(|row| row.doc).collect()
    }

    fn new_entries(&mut self, kind: Kind, person: Option<DocId>) -> Changes {
        let mut changes = Changes::new();
        let mut put = |key: String, value: Value| drop(changes.insert(key, Some(value)));
        match kind {
            Kind::Person => {
                put("name".into(), self.text(&["王", "李", "张"], 40));
                put("kind".into(), Value::Text("veteran".into()));
                put(
                    "phone/01A.number".into(),
                    Value::Text(format!("154{:08}", self.work.below(100_000_000))),
                );
                put("address".into(), self.text(&["一组", "二组"], 60));
            }
            Kind::Party => {
                if let Some(person) = person {
                    put("person".into(), Value::Text(person.to_string()));
                }
                put("status".into(), Value::Text("full".into()));
                put("branch".into(), self.text(&["第一支部", "第二支部"], 40));
            }
            Kind::Welfare => {
                put("disability.grade".into(), Value::Int(1 + self.work.below(10) as i64));
                put("support_status".into(), Value::Text("none".into()));
            }
            Kind::Visit | Kind::Contact => {
                if let Some(person) = person {
                    put(format!("person/{person}"), Value::Bool(true));
                }
                put("happened_on".into(), Value::Text(format!("2026-03-{:02}", 1 + self.work.below(28))));
                put("channel".into(), Value::Text("home".into()));
                put("facts".into(), self.text(&["身体还好。", "屋顶漏雨。"], 200));
            }
        }
        changes
    }

    /// One to three fields.
    fn some_changes(&mut self, kind: Kind, own: bool, phone: usize) -> Changes {
        let count = 1 + self.work.below(3);
        let mut changes = Changes::new();
        for _ in 0..count {
            let (key, value) = self.some_change(kind, own, phone);
            changes.insert(key, value);
        }
        changes
    }

    fn some_change(&mut self, kind: Kind, own: bool, phone: usize) -> (String, Option<Value>) {
        let flag = Value::Bool(self.work.happens(500));
        let dice = self.work.below(12);
        match kind {
            Kind::Person => match dice {
                0..3 => ("name".into(), Some(self.text(&["王", "李", "张"], 3))),
                3 | 4 => ("phone/01A.number".into(), Some(self.text(&["154", "155"], 9))),
                5 => (format!("phone/0{}B.number", self.work.below(3)), Some(self.text(&["156"], 9))),
                6 => ("phone/01A.removed".into(), Some(flag)),
                7 => ("address".into(), Some(self.text(&["三组", "四组"], 9))),
                8 => ("address".into(), None),
                9 => ("birth".into(), Some(Value::Text(format!("19{}", 40 + self.work.below(50))))),
                10 => ("birth".into(), None),
                _ => ("kin/01K.name".into(), Some(self.text(&["赵", "钱"], 9))),
            },
            Kind::Party => match dice {
                0..6 => ("status".into(), Some(Value::Text(self.status()))),
                6 => ("status".into(), None),
                _ => ("branch".into(), Some(self.text(&["支部"], 9))),
            },
            Kind::Welfare => match dice {
                0..6 => ("disability.grade".into(), Some(Value::Int(1 + self.work.below(10) as i64))),
                6 => ("disability.grade".into(), None),
                _ => ("support_status".into(), Some(Value::Text(self.support()))),
            },
            Kind::Visit | Kind::Contact => match dice {
                0..4 if own => ("facts".into(), Some(self.text(&["更正："], 90))),
                4 if own => ("facts".into(), None),
                _ => {
                    let id = format!("note/{:016X}.text", self.work.roll());
                    let again = self.work.happens(300);
                    let id = if again { "note/01N.text".to_owned() } else { id };
                    let by = self.phones[phone].user.0;
                    (id, Some(self.text(&[&format!("{by}：")], 60)))
                }
            },
        }
    }

    fn status(&mut self) -> String {
        self.work.pick(&["full", "probationary"]).unwrap_or("full").to_owned()
    }

    fn support(&mut self) -> String {
        self.work.pick(&["none", "low_income"]).unwrap_or("none").to_owned()
    }

    /// A text of its own; a short one comes again at times.
    fn text(&mut self, heads: &[&str], spread: usize) -> Value {
        let head = self.work.pick(heads).unwrap_or_default();
        let tail = if spread < 10 {
            self.work.below(spread).to_string()
        } else {
            let length = 1 + self.work.below(spread / 8);
            (0..length).map(|_| format!("{:x}", self.work.below(1 << 20))).collect()
        };
        Value::Text(format!("{head}{tail}"))
    }
}

/// What a role may write, by this file's own table.
fn kinds(role: Role) -> Vec<Kind> {
    match role {
        Role::TownshipHead | Role::TownshipWorker => {
            vec![Kind::Person, Kind::Visit, Kind::Contact, Kind::Party, Kind::Welfare]
        }
        Role::VillageWorker => vec![Kind::Person, Kind::Visit, Kind::Contact],
        Role::VillageBranch => vec![Kind::Contact],
        Role::TownshipParty => vec![Kind::Party, Kind::Contact],
        Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer
        | Role::SystemAdmin => Vec::new(),
    }
}
