//! Where things lie: the repository, the bundle, and the two target folders (host and wasm32).

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The folders that every command works in.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Root of the repository.
    pub(crate) root: PathBuf,
    /// Cargo's target folder of this very program, so host builds share it.
    pub(crate) target: PathBuf,
    /// Target folder of the wasm32 builds; apart from the host's, since the tool chains may differ.
    pub(crate) wasm_target: PathBuf,
}

impl Place {
    /// Finds the folders from where this program was compiled and where it lies now.
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.ancestors().nth(2).context("app/xtask has no repository around it")?.to_path_buf();
        let program = env::current_exe().context("where this program lies is unknown")?;
        let target = program.ancestors().nth(2).map_or_else(|| root.join("target"), Path::to_path_buf);
        let wasm_target =
            env::var_os("ZOUFANG_WASM_TARGET_DIR").map_or_else(|| root.join("target-wasm"), PathBuf::from);
        Ok(Self { root, target, wasm_target })
    }

    /// The bundle that the server embeds: `ZOUFANG_DIST`, or `dist` at the root.
    pub(crate) fn dist(&self) -> PathBuf {
        env::var_os("ZOUFANG_DIST").map_or_else(|| self.root.join("dist"), |path| self.root.join(path))
    }

    /// The folder of the Playwright tests.
    pub(crate) fn e2e(&self) -> PathBuf {
        self.root.join("tests/e2e")
    }

    /// The server program as `profile` (`debug` or `release`) builds it.
    pub(crate) fn server(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join(format!("zoufang-server{}", env::consts::EXE_SUFFIX))
    }
}
