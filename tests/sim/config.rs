//! What a seed draws before its first day: how many phones, which units and roles, which faults and how often.

use zoufang_core::record::{UnitId, list::Role};

use crate::{
    dice::Dice,
    fault::{Fault, Rates},
};

/// The shape of one seed.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) seed: u64,
    pub(crate) phones: usize,
    pub(crate) days: usize,
    pub(crate) townships: u32,
    pub(crate) villages: u32,
    /// Saves of a phone in a day, at most.
    pub(crate) saves_max: usize,
    /// Times that the app is opened in a day, at most.
    pub(crate) stints_max: usize,
    /// One in so many saves makes a new record.
    pub(crate) new_one_in: usize,
    /// Saves that go to few records, so that phones meet.
    pub(crate) crowded: bool,
    pub(crate) sqlite: bool,
    pub(crate) rates: Rates,
}

/// What the person at the terminal changes of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) phones: Option<usize>,
    pub(crate) days: Option<usize>,
    pub(crate) with: Vec<Fault>,
    pub(crate) without: Vec<Fault>,
}

impl Config {
    /// What a seed draws.
    pub(crate) fn draw(seed: u64, changes: &Changes) -> Self {
        let mut dice = Dice::new(seed, 1);
        // Few phones find most; many find what only a crowd does.
        let phones = match dice.below(20) {
            0 => 1,
            1..=9 => 2 + dice.below(2),
            10..=16 => 4 + dice.below(4),
            17 | 18 => 8 + dice.below(12),
            _ => 20 + dice.below(31),
        };
        let days = if phones > 12 { 2 + dice.below(3) } else { 3 + dice.below(12) };
        let mut rates = Rates::draw(&mut dice, seed);
        // One seed in twelve has no fault at all: what fails there fails by itself.
        if dice.below(12) == 0 {
            rates = Rates::default();
        }
        for fault in &changes.with {
            rates.with(*fault);
        }
        for fault in &changes.without {
            rates.without(*fault);
        }
        Self {
            seed,
            phones: changes.phones.unwrap_or(phones),
            days: changes.days.unwrap_or(days),
            townships: 1 + u32::try_from(dice.below(2)).unwrap_or(0),
            villages: 1 + u32::try_from(dice.below(4)).unwrap_or(0),
            saves_max: 1 + dice.below(12),
            stints_max: 1 + dice.below(3),
            new_one_in: 2 + dice.below(6),
            crowded: dice.happens(500),
            sqlite: dice.below(10) == 0,
            rates,
        }
    }

    /// How many device-days it is.
    pub(crate) fn device_days(&self) -> u64 {
        (self.phones * self.days) as u64
    }

    /// The townships, then the villages with the township of each.
    pub(crate) fn units(&self) -> (Vec<UnitId>, Vec<(UnitId, UnitId)>) {
        let townships: Vec<UnitId> = (0..self.townships).map(|number| UnitId(10 + number)).collect();
        let villages = (0..self.villages).map(|number| {
            let township = UnitId(10 + number % self.townships);
            (UnitId(100 + number), township)
        });
        let villages = villages.collect();
        (townships, villages)
    }

    /// Role and unit of each phone's user; two phones in seven are of one user.
    pub(crate) fn users(&self, dice: &mut Dice) -> Vec<(String, Role, UnitId)> {
        let (townships, villages) = self.units();
        let mut users: Vec<(String, Role, UnitId)> = Vec::new();
        for number in 0..self.phones {
            if let Some(same) = users.last().filter(|_| dice.happens(140)).cloned() {
                users.push(same);
                continue;
            }
            let role = match dice.below(10) {
                0..=5 => Role::VillageWorker,
                6 => Role::VillageBranch,
                7 => Role::TownshipHead,
                8 => Role::TownshipWorker,
                _ => Role::TownshipParty,
            };
            let in_village = matches!(role, Role::VillageWorker | Role::VillageBranch);
            let unit = if in_village {
                dice.pick(&villages).map(|(village, _)| village)
            } else {
                dice.pick(&townships)
            };
            users.push((format!("user{number}"), role, unit.unwrap_or(UnitId(10))));
        }
        users
    }
}
