//! A person's file (人员档案).
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Date, Entries, Kind, PartialDate, Record, Timestamp, UserId,
    list::{
        ContactWish, Entitlement, GloryPlaque, Honor, PersonKind, PhoneOwner, PreferenceCard, Relation,
        Residence, ServiceBranch, ServiceClass, Settlement, Sex,
    },
};
use crate::gather;

/// One number at which a person can be reached. Two people may share one, so it is never a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phone {
    /// The number, cleaned by [`super::phone::parse_phone`].
    pub number: String,
    /// Whose phone it is.
    pub owner: Option<PhoneOwner>,
    /// The last day on which it worked.
    pub worked_on: Option<Date>,
}

/// Next of kin, kept only with the person's consent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kin {
    /// Name.
    pub name: String,
    /// Phone number.
    pub phone: Option<String>,
    /// In words: son, neighbour.
    pub kinship: Option<String>,
}

/// What is known of a person. The unit is not here: it is the document's place on the server and moves by command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The user who made the file, and when by the clock of the phone.
    pub created: Option<(UserId, Timestamp)>,
    /// Name, cleaned by [`super::name::parse_name`].
    pub name: String,
    /// Veteran, survivor, soldier's family or recruit.
    pub kind: Option<PersonKind>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Ethnicity, only where a benefit needs it.
    pub ethnicity: Option<String>,
    /// Birth as the ledger has it; may differ from the ID number.
    pub birth: Option<PartialDate>,
    /// ID number; sensitive.
    pub id_number: Option<String>,
    /// Phones by entry id.
    pub phones: BTreeMap<String, Phone>,
    /// Address in words.
    pub address: Option<String>,
    /// Lives here, away, moved, in an institution.
    pub residence: Option<Residence>,
    /// The city where the person is when away.
    pub away_place: Option<String>,
    /// Entitlements to benefits.
    pub entitlements: BTreeSet<Entitlement>,
    /// The day on which the benefits office confirmed them.
    pub entitlements_confirmed_on: Option<Date>,
    /// Enlisted.
    pub enlisted: Option<PartialDate>,
    /// Discharged.
    pub discharged: Option<PartialDate>,
    /// Conscript, sergeant, officer.
    pub service_class: Option<ServiceClass>,
    /// Arm of service; never a unit's number or name.
    pub service_branch: Option<ServiceBranch>,
    /// Way of settlement.
    pub settlement: Option<Settlement>,
    /// Honours.
    pub honors: BTreeSet<Honor>,
    /// For survivors and families: what the person is to the soldier.
    pub relation_to_soldier: Option<Relation>,
    /// For survivors and families: the soldier's name.
    pub soldier_name: Option<String>,
    /// State of the household's plaque.
    pub glory_plaque: Option<GloryPlaque>,
    /// The day on which the plaque was hung.
    pub glory_plaque_on: Option<Date>,
    /// State of the preference card (issued, asked_for, none).
    pub preference_card: Option<PreferenceCard>,
    /// The day of that state.
    pub preference_card_on: Option<Date>,
    /// Whether visits are welcome: the person's newest word.
    pub contact_wish: Option<ContactWish>,
    /// The day on which the wish was said.
    pub contact_wish_on: Option<Date>,
    /// Day of death.
    pub death_on: Option<Date>,
    /// Who reported the death.
    pub death_reported_by: Option<UserId>,
    /// The day on which the privacy notice was given.
    pub notice_given: Option<Date>,
    /// Next of kin by entry id.
    pub next_of_kin: BTreeMap<String, Kin>,
}

impl Record for Person {
    const KIND: Kind = Kind::Person;

    fn from_entries(e: &Entries) -> Self {
        let phone = |id: String| {
            let number = e.text(&format!("phone/{id}.number"))?;
            let owner = e.parsed(&format!("phone/{id}.owner"));
            let worked_on = e.parsed(&format!("phone/{id}.worked_on"));
            Some((id, Phone { number, owner, worked_on }))
        };
        let kin = |id: String| {
            let name = e.text(&format!("kin/{id}.name"))?;
            let phone = e.text(&format!("kin/{id}.phone"));
            let kinship = e.text(&format!("kin/{id}.kinship"));
            Some((id, Kin { name, phone, kinship }))
        };
        Self {
            created: read_created(e),
            name: e.text("name").unwrap_or_default(),
            kind: e.parsed("kind"),
            sex: e.parsed("sex"),
            ethnicity: e.text("ethnicity"),
            birth: e.parsed("birth"),
            id_number: e.text("id_number"),
            phones: gather(e.ids("phone").into_iter().filter_map(phone)),
            address: e.text("address"),
            residence: e.parsed("residence"),
            away_place: e.text("away_place"),
            entitlements: e.set("entitlement"),
            entitlements_confirmed_on: e.parsed("entitlements_confirmed_on"),
            enlisted: e.parsed("service.enlisted"),
            discharged: e.parsed("service.discharged"),
            service_class: e.parsed("service.class"),
            service_branch: e.parsed("service.branch"),
            settlement: e.parsed("settlement"),
            honors: e.set("honor"),
            relation_to_soldier: e.parsed("relation_to_soldier"),
            soldier_name: e.text("soldier_name"),
            glory_plaque: e.parsed("glory_plaque.state"),
            glory_plaque_on: e.parsed("glory_plaque.on"),
            preference_card: e.parsed("preference_card.state"),
            preference_card_on: e.parsed("preference_card.on"),
            contact_wish: e.parsed("contact_wish"),
            contact_wish_on: e.parsed("contact_wish_on"),
            death_on: e.parsed("death.on"),
            death_reported_by: e.int("death.reported_by").map(UserId),
            notice_given: e.parsed("notice_given"),
            next_of_kin: gather(e.ids("kin").into_iter().filter_map(kin)),
        }
    }

    fn to_entries(&self) -> Entries {
        let mut e = Entries::default();
        put_created(&mut e, self.created);
        e.put_text("name", Some(&self.name).filter(|name| !name.is_empty()));
        e.put_code("kind", self.kind);
        e.put_code("sex", self.sex);
        e.put_text("ethnicity", self.ethnicity.as_ref());
        e.put_text("birth", self.birth);
        e.put_text("id_number", self.id_number.as_ref());
        for (id, phone) in &self.phones {
            e.put_text(&format!("phone/{id}.number"), Some(&phone.number));
            e.put_code(&format!("phone/{id}.owner"), phone.owner);
            e.put_text(&format!("phone/{id}.worked_on"), phone.worked_on);
        }
        e.put_text("address", self.address.as_ref());
        e.put_code("residence", self.residence);
        e.put_text("away_place", self.away_place.as_ref());
        e.put_set("entitlement", &self.entitlements);
        e.put_text("entitlements_confirmed_on", self.entitlements_confirmed_on);
        e.put_text("service.enlisted", self.enlisted);
        e.put_text("service.discharged", self.discharged);
        e.put_code("service.class", self.service_class);
        e.put_code("service.branch", self.service_branch);
        e.put_code("settlement", self.settlement);
        e.put_set("honor", &self.honors);
        e.put_code("relation_to_soldier", self.relation_to_soldier);
        e.put_text("soldier_name", self.soldier_name.as_ref());
        e.put_code("glory_plaque.state", self.glory_plaque);
        e.put_text("glory_plaque.on", self.glory_plaque_on);
        e.put_code("preference_card.state", self.preference_card);
        e.put_text("preference_card.on", self.preference_card_on);
        e.put_code("contact_wish", self.contact_wish);
        e.put_text("contact_wish_on", self.contact_wish_on);
        e.put_text("death.on", self.death_on);
        e.put_int("death.reported_by", self.death_reported_by.map(|user| user.0));
        e.put_text("notice_given", self.notice_given);
        for (id, kin) in &self.next_of_kin {
            e.put_text(&format!("kin/{id}.name"), Some(&kin.name));
            e.put_text(&format!("kin/{id}.phone"), kin.phone.as_ref());
            e.put_text(&format!("kin/{id}.kinship"), kin.kinship.as_ref());
        }
        e
    }
}

/// Reads who made a record and when.
pub(super) fn read_created(e: &Entries) -> Option<(UserId, Timestamp)> {
    Some((e.int("created_by").map(UserId)?, Timestamp(e.int("created_at")?)))
}

/// Writes who made a record and when.
pub(super) fn put_created(e: &mut Entries, created: Option<(UserId, Timestamp)>) {
    e.put_int("created_by", created.map(|(user, _)| user.0));
    e.put_int("created_at", created.map(|(_, at)| at.0));
}
