//! `bench --server`: what the release server needs when a thousand devices bring their changes, over real HTTP, on one core.
//!
//! The changes are made by the core beforehand, so that this side costs little; it keeps to the other cores. PostgreSQL,
//! where it is the store, keeps to them, too: in earnest it has a machine of its own.
#![expect(clippy::cast_precision_loss, reason = "figures of a table")]

mod data;
mod line;
mod phone;
mod town;

use std::{ops::Range, time::Duration};

use anyhow::Result;
use clap::ValueEnum;
use zoufang_server::overload::AT_ONCE;
use zoufang_tests::made::Dice;

use crate::{machine, report::Report};
use line::{Content, Letter, Served};
use town::{Running, Town};

const DEVICES: usize = 1_000;
const BURST: Duration = Duration::from_secs(60);
/// Changes that a device brings after a day.
const DAY: usize = 50;
/// Requests of one change each: so many a second.
const SINGLES_RATE: usize = 200;
/// Requests by which the cost of a change is measured, and those before them that warm the server up.
const COSTS: usize = 100;
const WARM: usize = 10;

/// Requests of each device under overload.
const OVERLOAD_ROUNDS: usize = 5;
const OVERLOAD_MS_MAX: f64 = 2_000.0;

const MS_MAX: f64 = 100.0;
const MEMORY_MB_MAX: f64 = 300.0;
const COST_RATIO_MAX: f64 = 1.25;

/// Where the server keeps its data.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// One file.
    Sqlite,
    /// A cluster made for this run.
    Postgres,
}

impl Store {
    /// Its name in file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What of it is measured.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything.
    All,
    /// What a change costs the more there are.
    Costs,
}

/// Documents at which the cost of a change is measured, and those under which the load is.
struct Sizes {
    costs: &'static [usize],
    load: usize,
    singles: Duration,
}

const FULL: Sizes =
    Sizes { costs: &[10_000, 100_000, 1_000_000], load: 500_000, singles: Duration::from_secs(30) };
const QUICK: Sizes = Sizes { costs: &[10_000, 100_000], load: 50_000, singles: Duration::from_secs(15) };

/// All of it.
///
/// # Errors
/// When the server or its store fails, or a change is refused.
pub(crate) fn measure(report: &mut Report, store: Store, part: Part, quick: bool) -> Result<()> {
    let sizes = if quick { QUICK } else { FULL };
    machine::keep_to_others()?;
    let mut town = Town::new(store, DEVICES, sizes.costs.len() * (WARM + COSTS))?;
    let mut costs = Vec::new();
    let mut stops: Vec<usize> = sizes.costs.iter().copied().chain([sizes.load]).collect();
    stops.sort_unstable();
    for documents in stops {
        machine::spread()?;
        town.fill(documents)?;
        machine::keep_to_others()?;
        if sizes.costs.contains(&documents) {
            costs.push(cost(report, &mut town, costs.len(), documents)?);
        } else if part != Part::Costs {
            load(report, &mut town, documents, sizes.singles)?;
        }
    }
    if let (Some(first), Some(last)) = (costs.first(), costs.last()) {
        report.at_most("cost of a change, last to first", last / first, "times", COST_RATIO_MAX);
    }
    Ok(())
}

/// CPU time of the server for one change: devices one after the other, each with a day's changes. The median says it, since
/// now and then a request pays for a segment, and on a busy machine for its neighbours.
///
/// Each stop has devices of its own that write for the first time, so that the work is the same at each: ten edits of ten
/// people who were entered before everything else and not edited since.
fn cost(report: &mut Report, town: &mut Town, stop: usize, documents: usize) -> Result<f64> {
    let server = town.start()?;
    let mut costs = Vec::with_capacity(COSTS);
    for place in 0..WARM + COSTS {
        let letter = server.letter(DEVICES + stop * (WARM + COSTS) + place, DAY)?;
        let before = server.running_ms()?;
        server.send(vec![letter])?;
        if place >= WARM {
            costs.push((server.running_ms()? - before) / DAY as f64);
        }
    }
    costs.sort_by(f64::total_cmp);
    let middle = costs[COSTS / 2];
    report.note(
        format!("cost of a change at {documents} documents (median of {COSTS} requests)"),
        middle,
        "ms CPU",
    );
    Ok(middle)
}

/// The burst, changes one by one, everybody at once.
fn load(report: &mut Report, town: &mut Town, documents: usize, singles: Duration) -> Result<()> {
    let server = town.start()?;
    let mut dice = Dice::new(9);
    let mut within = |time: Duration| time.mul_f64(dice.below(1_000_000) as f64 / 1e6);

    let what = format!("{} changes of {DEVICES} devices in 60 s over {documents} documents", DEVICES * DAY);
    let letters = letters(&server, 0..DEVICES, DAY, || within(BURST))?;
    let (before, served) = (server.cpu_ms()?, server.send(letters)?);
    times(report, &what, &served);
    report.note("the server's core was busy", (server.cpu_ms()? - before) / BURST.as_secs_f64() / 10.0, "%");

    let count = SINGLES_RATE * usize::try_from(singles.as_secs())?;
    let mut letters = letters_late(&server, 0..count, || within(singles))?;
    letters.sort_by_key(|letter| letter.due);
    times(report, &format!("single changes, {SINGLES_RATE} a second"), &server.send(letters)?);

    let together = letters_now(&server)?;
    let before = server.cpu_ms()?;
    let served = server.send(together)?;
    let last = served.iter().map(|served| served.ms).fold(0.0, f64::max);
    report.note(
        format!("{DEVICES} devices at once, {DAY} changes each: all served after"),
        last / 1000.0,
        "s",
    );
    report.note("CPU time for them", (server.cpu_ms()? - before) / 1000.0, "s");
    let turned_away: usize = served.iter().map(|served| served.turned_away).sum();
    report.note("turned away with a time to come again, and came", turned_away as f64, "");
    overload(report, &server)?;
    report.at_most("memory of the server at its peak", server.memory_peak_mb()?, "MB", MEMORY_MB_MAX);
    Ok(())
}

/// Four times as many devices as have a turn, each of which asks again as soon as it is answered.
fn overload(report: &mut Report, server: &Running<'_>) -> Result<()> {
    let devices = 4 * AT_ONCE;
    let mut served = Vec::new();
    let letters = (0..devices * OVERLOAD_ROUNDS).map(|place| {
        let device = place % devices;
        Ok(Letter { device, due: Duration::ZERO, content: Content::Changes(server.changes(device, DAY)?) })
    });
    served.extend(server.send(letters.collect::<Result<_>>()?)?);
    let mut ms: Vec<f64> = served.iter().map(|served| served.accepted_ms).collect();
    ms.sort_by(f64::total_cmp);
    let percent_99 = ms[(ms.len() * 99).div_ceil(100) - 1];
    report.at_most(
        format!("{devices} devices all the time, {DAY} changes a request: of 100 that were taken 99 within"),
        percent_99,
        "ms",
        OVERLOAD_MS_MAX,
    );
    let turned_away: usize = served.iter().map(|served| served.turned_away).sum();
    report.note("· turned away with a time to come again, and came", turned_away as f64, "");
    let failed: usize = served.iter().map(|served| served.failed).sum();
    report.at_most("· lines that broke, and other answers", failed as f64, "", 0.0);
    Ok(())
}

/// A request of each device, made beforehand.
fn letters(
    server: &Running<'_>,
    devices: Range<usize>,
    changes: usize,
    mut due: impl FnMut() -> Duration,
) -> Result<Vec<Letter>> {
    devices.map(|device| Ok(Letter { due: due(), ..server.letter(device, changes)? })).collect()
}

/// A request of each device at the same moment.
fn letters_now(server: &Running<'_>) -> Result<Vec<Letter>> {
    letters(server, 0..DEVICES, DAY, || Duration::ZERO)
}

/// Requests of one change each. A device comes again and shows what its last answer gave it, so they are written when
/// they are due.
fn letters_late(
    server: &Running<'_>,
    places: Range<usize>,
    mut due: impl FnMut() -> Duration,
) -> Result<Vec<Letter>> {
    let late = |place: usize| {
        let device = place % DEVICES;
        Ok(Letter { device, due: due(), content: Content::Changes(server.changes(device, 1)?) })
    };
    places.map(late).collect()
}

fn times(report: &mut Report, what: &str, served: &[Served]) {
    let mut ms: Vec<f64> = served.iter().map(|served| served.ms).collect();
    ms.sort_by(f64::total_cmp);
    let within =
        |percent: usize| ms.get((ms.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or_default();
    report.note(format!("{what}: median"), within(50), "ms");
    report.at_most("· of 100 requests 99 within", within(99), "ms", MS_MAX);
    report.note("· the slowest", within(100), "ms");
    let not_served: usize = served.iter().map(|served| served.turned_away + served.failed).sum();
    report.at_most("· answers of 5xx, and lines that broke", not_served as f64, "", 0.0);
}
