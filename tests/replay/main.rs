//! Replays the fuzzer's corpus on the stable toolchain: every kept input, and mutations of them from a fixed seed.
//!
//! An input that was a finding is kept under `tests/fuzz/corpus/<target>` and stays there. Longer runs with libFuzzer:
//! `cargo xtask fuzz`; more mutations without it: `ZOUFANG_MUTATIONS=100000` and another `ZOUFANG_SEED`. Small seeds are
//! written anew with `ZOUFANG_WRITE_SEEDS=1 cargo test -p zoufang-tests --test replay`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod seeds;

use std::{
    cell::Cell,
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use zoufang_tests::{fuzz, made::Dice};

/// Mutations of one target's corpus.
const MUTATIONS: u64 = 1_500;
const SEED: u64 = 20;
/// One input may take so long in a debug build on a busy machine; a sound one takes a few milliseconds.
const INPUT_MAX: Duration = Duration::from_secs(10);
const INPUT_BYTES_MAX: usize = 8 * 1024;
/// Memory of the whole process, all targets at once, at its highest.
const MEMORY_KIB_MAX: u64 = 600 * 1024;

// Panics, also those that somebody caught: the server does, and each is a finding nevertheless.
thread_local! {
    static OWN_PANICS: Cell<usize> = const { Cell::new(0) };
}
/// Panics of threads that belong to no target: the server's, for what takes long.
static OTHER_PANICS: AtomicUsize = AtomicUsize::new(0);

macro_rules! replays {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$(stringify!($target)),*]);
        }
    };
}
replays!(answer change columns import inbox ingest parcel request session stored value);

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn replay(target: &str) {
    count_panics();
    let folder = corpus(target);
    if env::var_os("ZOUFANG_WRITE_SEEDS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in seeds::of(target) {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let inputs: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    assert!(inputs.len() > 1, "{target} has seeds");
    for (file, input) in files.iter().zip(&inputs) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        try_one(target, &name, input);
    }
    let mut dice = Dice::new(number_in("ZOUFANG_SEED").unwrap_or(SEED));
    for number in 0..number_in("ZOUFANG_MUTATIONS").unwrap_or(MUTATIONS) {
        let input = mutated(&mut dice, &inputs);
        try_one(target, &format!("mutation-{number}"), &input);
    }
    if let Some(highest) = highest_memory_kib() {
        assert!(highest < MEMORY_KIB_MAX, "{highest} KiB");
    }
}

fn number_in(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// Runs one input; one that fails is written down, so that it can be kept.
fn try_one(target: &str, name: &str, input: &[u8]) {
    let (before, start) = (panics(), Instant::now());
    let ran = catch_unwind(AssertUnwindSafe(|| fuzz::run(target, input)));
    if ran.is_err() || panics() != before || start.elapsed() > INPUT_MAX {
        let kept = env::temp_dir().join(format!("zoufang-{target}-{name}"));
        fs::write(&kept, input).unwrap();
        panic!("{target}: {name} is a finding ({:?}); it lies in {}", start.elapsed(), kept.display());
    }
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let of_a_target = thread::current()
                .name()
                .is_some_and(|name| fuzz::TARGETS.iter().any(|(target, _)| *target == name));
            if of_a_target {
                OWN_PANICS.set(OWN_PANICS.get() + 1);
            } else {
                OTHER_PANICS.fetch_add(1, Ordering::SeqCst);
            }
            usual(info);
        }));
    });
}

fn panics() -> usize {
    OWN_PANICS.get() + OTHER_PANICS.load(Ordering::SeqCst)
}

/// One of the inputs with a few bytes changed, put in, taken out, or taken over from another one.
fn mutated(dice: &mut Dice, inputs: &[Vec<u8>]) -> Vec<u8> {
    const TELLING: [u8; 8] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff];
    let mut input = inputs[dice.below(inputs.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(input.len() + 1);
        let byte = if dice.below(2) == 0 {
            TELLING[dice.below(TELLING.len())]
        } else {
            dice.roll().to_le_bytes()[0]
        };
        match dice.below(5) {
            0 if at < input.len() => input[at] ^= 1 << dice.below(8),
            1 if at < input.len() => input[at] = byte,
            2 => input.insert(at, byte),
            3 => drop(input.drain(at..(at + dice.below(9)).min(input.len()))),
            _ => {
                let other = &inputs[dice.below(inputs.len())];
                let from = dice.below(other.len() + 1);
                let part = &other[from..(from + dice.below(64)).min(other.len())];
                input.splice(at..at, part.iter().copied());
            }
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn highest_memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
