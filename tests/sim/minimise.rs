//! Makes a failing seed smaller: fewer kinds of fault, fewer phones, fewer days, as long as it still fails the same way.

use crate::{
    config::{Changes, Config},
    fault::Fault,
    run,
    world::Kind,
};

/// The smallest changes of a seed's config that still fail as it does; `None` if it does not fail.
pub(crate) fn smallest(seed: u64, changes: &Changes) -> Option<Changes> {
    let fails = |changes: &Changes| -> Option<Kind> {
        Some(run::seed(&Config::draw(seed, changes), false).failure?.kind)
    };
    let kind = fails(changes)?;
    let still = |changes: &Changes| fails(changes) == Some(kind);
    let mut smallest = changes.clone();
    for fault in Fault::ALL {
        let mut fewer = smallest.clone();
        fewer.without.push(*fault);
        if still(&fewer) {
            smallest = fewer;
        }
    }
    let drawn = Config::draw(seed, &smallest);
    for phones in 1..drawn.phones {
        let fewer = Changes { phones: Some(phones), ..smallest.clone() };
        if still(&fewer) {
            smallest = fewer;
            break;
        }
    }
    for days in 1..drawn.days {
        let fewer = Changes { days: Some(days), ..smallest.clone() };
        if still(&fewer) {
            smallest = fewer;
            break;
        }
    }
    Some(smallest)
}

/// The switches that say so.
pub(crate) fn switches(seed: u64, changes: &Changes) -> String {
    let drawn: Vec<Fault> = Config::draw(seed, &Changes::default()).rates.kinds().collect();
    let without = changes.without.iter().filter(|fault| drawn.contains(fault));
    let mut words: Vec<String> = without.map(|fault| format!("--without {}", fault.code())).collect();
    words.extend(changes.phones.map(|phones| format!("--phones {phones}")));
    words.extend(changes.days.map(|days| format!("--days {days}")));
    words.join(" ")
}
