//! Totals over seeds, the closing line, and the same as JSON.

use serde_json::{Value, json};

use crate::{
    fault::{Counts, Fault},
    world::{Failure, Kind},
};

/// What one seed gave.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) device_days: u64,
    pub(crate) edits: u64,
    pub(crate) events: u64,
    pub(crate) trace_hash: String,
    pub(crate) lines: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) failure: Option<Failure>,
    pub(crate) repeated: bool,
    /// Rounds that it took to calm down, and whether a server was restored before.
    pub(crate) rounds: (u64, bool),
    /// Edits of a restored server that only phones of others hold.
    pub(crate) orphaned: u64,
}

/// All seeds together.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) seeds: u64,
    pub(crate) device_days: u64,
    pub(crate) edits: u64,
    pub(crate) events: u64,
    pub(crate) repeated: u64,
    counts: Counts,
    /// The most rounds of a seed, without a restored server and with one.
    rounds_max: [u64; 2],
    orphaned: u64,
    failed: Vec<(u64, Kind)>,
}

impl Totals {
    /// One seed more.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.device_days += outcome.device_days;
        self.edits += outcome.edits;
        self.events += outcome.events;
        self.repeated += u64::from(outcome.repeated);
        self.counts.add(&outcome.counts);
        self.orphaned += outcome.orphaned;
        let rounds_max = &mut self.rounds_max[usize::from(outcome.rounds.1)];
        *rounds_max = outcome.rounds.0.max(*rounds_max);
        if let Some(failure) = &outcome.failure {
            self.failed.push((outcome.seed, failure.kind));
        }
    }

    fn failed(&self, kind: Kind) -> usize {
        self.failed.iter().filter(|(_, failed)| *failed == kind).count()
    }

    /// Whether every seed was good.
    pub(crate) fn is_good(&self) -> bool {
        self.failed.is_empty()
    }

    fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.iter().map(|fault| (*fault, self.counts.0.get(fault).copied().unwrap_or(0)))
    }

    /// The closing line.
    pub(crate) fn closing_line(&self, first_seed: u64) -> String {
        let faults: Vec<String> =
            self.faults().map(|(fault, count)| format!("{}={count}", fault.code())).collect();
        format!(
            "sim: device-days={} seeds={}..{} edits={} events={} repeated={} | {} | rounds-max={} (restored: {}) orphaned={} lost={} diverged={} stuck={} unrepeatable={} broken={}",
            self.device_days,
            first_seed,
            first_seed + self.seeds,
            self.edits,
            self.events,
            self.repeated,
            faults.join(" "),
            self.rounds_max[0],
            self.rounds_max[1],
            self.orphaned,
            self.failed(Kind::Lost),
            self.failed(Kind::Diverged),
            self.failed(Kind::Stuck),
            self.failed(Kind::NotTheSame),
            self.failed(Kind::Broken),
        )
    }

    /// The report as JSON; nothing in it is of this machine but the duration.
    pub(crate) fn json(&self, first_seed: u64, duration_s: u64) -> Value {
        let faults: serde_json::Map<String, Value> =
            self.faults().map(|(fault, count)| (fault.code().to_owned(), count.into())).collect();
        json!({
            "device_days": self.device_days,
            "first_seed": first_seed,
            "seeds": self.seeds,
            "edits": self.edits,
            "events": self.events,
            "repeated_seeds": self.repeated,
            "faults": faults,
            "rounds_max": self.rounds_max[0],
            "rounds_max_restored": self.rounds_max[1],
            "orphaned": self.orphaned,
            "lost": self.failed(Kind::Lost),
            "diverged": self.failed(Kind::Diverged),
            "stuck": self.failed(Kind::Stuck),
            "unrepeatable": self.failed(Kind::NotTheSame),
            "broken": self.failed(Kind::Broken),
            "failed_seeds": self.failed.iter().map(|(seed, _)| *seed).collect::<Vec<_>>(),
            "duration_s": duration_s,
        })
    }
}
