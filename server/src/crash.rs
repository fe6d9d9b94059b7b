//! Places at which a test lets the process die: before and after everything that is written.
//!
//! Without the feature `crash-points` a [`crash_point!`] is nothing at all. With it, points are counted as they are
//! passed: `ZOUFANG_CRASH_AT=n` aborts the process at the n-th, as a power cut would, and `ZOUFANG_CRASH_LOG=file` writes
//! the name of each into a file, which is how a test learns how many there are. Points stand where a store is used, so
//! they hold for every store, and between the statements of a store that belong together.

/// The process may die here. The name says where: `<what>.<before|after>`.
#[cfg(feature = "crash-points")]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash::pass($name)
    };
}

/// The process may die here; without the feature `crash-points` this is nothing.
#[cfg(not(feature = "crash-points"))]
macro_rules! crash_point {
    ($name:literal) => {};
}

pub(crate) use crash_point;

#[cfg(feature = "crash-points")]
pub(crate) use counted::pass;

#[cfg(feature = "crash-points")]
mod counted {
    use std::env;
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::sync::{Mutex, OnceLock, PoisonError};

    struct Plan {
        at: Option<u64>,
        log: Option<std::path::PathBuf>,
        passed: Mutex<u64>,
    }

    fn plan() -> &'static Plan {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        PLAN.get_or_init(|| Plan {
            at: env::var("ZOUFANG_CRASH_AT").ok().and_then(|number| number.parse().ok()),
            log: env::var_os("ZOUFANG_CRASH_LOG").map(Into::into),
            passed: Mutex::new(0),
        })
    }

    /// Counts a point, writes its name down if that is wanted, and ends the process if this is the one.
    pub(crate) fn pass(name: &'static str) {
        let plan = plan();
        let mut passed = plan.passed.lock().unwrap_or_else(PoisonError::into_inner);
        *passed += 1;
        if let Some(path) = &plan.log
            && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
        {
            let _ = file.write_all(format!("{name}\n").as_bytes());
        }
        if plan.at == Some(*passed) {
            std::process::abort();
        }
    }
}
