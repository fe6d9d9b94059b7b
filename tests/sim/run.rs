//! Runs seeds: each on one thread from its first day to its checks, many beside each other.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    config::{Changes, Config},
    fault::Fault,
    report::Outcome,
    world::{Failure, Kind, World},
};

/// Runs one seed.
pub(crate) fn seed(config: &Config, in_words: bool) -> Outcome {
    let lived = catch_unwind(AssertUnwindSafe(|| live(config, in_words)));
    lived.unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        broken(config, words.unwrap_or_else(|| "a panic".to_owned()))
    })
}

fn live(config: &Config, in_words: bool) -> Outcome {
    let mut world = match World::new(config.clone(), in_words) {
        Ok(world) => world,
        Err(error) => return broken(config, format!("{error:#}")),
    };
    let done = world.run().and_then(|()| if world.failure.is_none() { world.finish() } else { Ok(()) });
    if let Err(error) = done {
        world.fail(Kind::Broken, None, None, format!("{error:#}"));
    }
    let edits = world.oracle.len() as u64;
    let rounds = (world.rounds, world.counts.0.contains_key(&Fault::Restore));
    let (trace_hash, events, lines) = world.trace.finish();
    Outcome {
        seed: config.seed,
        device_days: config.device_days(),
        edits,
        events,
        trace_hash,
        lines,
        counts: world.counts,
        failure: world.failure,
        repeated: false,
        rounds,
        orphaned: world.orphaned,
    }
}

fn broken(config: &Config, words: String) -> Outcome {
    Outcome {
        seed: config.seed,
        device_days: config.device_days(),
        edits: 0,
        events: 0,
        trace_hash: String::new(),
        lines: Vec::new(),
        counts: Default::default(),
        failure: Some(Failure { kind: Kind::Broken, words, doc: None, phone: None }),
        repeated: false,
        rounds: (0, false),
        orphaned: 0,
    }
}

/// Runs a seed, and where `twice`, a second time: the traces must be the same.
pub(crate) fn checked(config: &Config, twice: bool) -> Outcome {
    let mut outcome = seed(config, false);
    if twice && outcome.failure.is_none() {
        let again = seed(config, false);
        outcome.repeated = true;
        if again.trace_hash != outcome.trace_hash {
            let words = "the same seed gave another trace".to_owned();
            outcome.failure = Some(Failure { kind: Kind::NotTheSame, words, doc: None, phone: None });
        }
    }
    outcome
}

/// The seeds from the first one on that make so many device-days together.
pub(crate) fn configs(first_seed: u64, device_days: u64, changes: &Changes) -> Vec<Config> {
    let (mut configs, mut days) = (Vec::new(), 0);
    while days < device_days {
        let config = Config::draw(first_seed + configs.len() as u64, changes);
        days += config.device_days();
        configs.push(config);
    }
    configs
}

/// Runs seeds on so many threads; `tell` hears of each as it ends, and says whether to go on.
pub(crate) fn all(
    configs: &[Config],
    threads: usize,
    twice_one_in: usize,
    tell: &(impl Fn(&Outcome) -> bool + Sync),
) -> Vec<Outcome> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(Vec::with_capacity(configs.len()));
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    let Some(config) = configs.get(place) else { break };
                    let outcome = checked(config, twice_one_in > 0 && place.is_multiple_of(twice_one_in));
                    if !tell(&outcome) {
                        stop.store(true, Ordering::SeqCst);
                    }
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|outcome| outcome.seed);
    outcomes
}
