//! Where the computation runs, and on how many threads.

use candle_core::Device;

use crate::reward::{DeviceChoice, LoadOptions, RewardError};

/// A device and, for the CPU, the threads that work there. (candle's quantised products use threads of their own, one per
/// core unless `CANDLE_NUM_THREADS` says otherwise.)
pub(crate) struct Engine {
    pub(crate) device: Device,
    pool: Option<rayon::ThreadPool>,
}

impl Engine {
    pub(crate) fn new(options: &LoadOptions) -> Result<Self, RewardError> {
        let device = match options.device {
            DeviceChoice::Cpu => Device::Cpu,
            DeviceChoice::Cuda(number) => {
                Device::new_cuda(number).map_err(|e| unavailable("cuda", &e))?
            }
            DeviceChoice::Metal => Device::new_metal(0).map_err(|e| unavailable("metal", &e))?,
            DeviceChoice::Auto => [Device::new_cuda(0), Device::new_metal(0)]
                .into_iter()
                .find_map(Result::ok)
                .unwrap_or(Device::Cpu),
        };
        let pool = if device.is_cpu() {
            let threads = options.threads.unwrap_or_else(default_threads);
            if threads == 0 {
                return Err(RewardError::Option(
                    "--threads must be at least 1".to_owned(),
                ));
            }
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|n| format!("reward-{n}"))
                .build()
                .map_err(|e| RewardError::Option(format!("cannot start {threads} threads: {e}")))?;
            Some(pool)
        } else {
            None
        };
        Ok(Self { device, pool })
    }

    /// Runs `work` on the engine's threads: candle's parallel loops use the pool that they are called in.
    pub(crate) fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match (&self.device, &self.pool) {
            (Device::Cpu, Some(pool)) => match pool.current_num_threads() {
                1 => "cpu (1 thread)".to_owned(),
                n => format!("cpu ({n} threads)"),
            },
            (Device::Cpu, None) => "cpu".to_owned(),
            (Device::Cuda(_), _) => "cuda".to_owned(),
            (Device::Metal(_), _) => "metal".to_owned(),
        }
    }
}

/// Whether a device had too little memory for what it was given.
pub(crate) fn is_out_of_memory(error: &RewardError) -> bool {
    let text = error.to_string().to_lowercase();
    [
        "out of memory",
        "out_of_memory",
        "outofmemory",
        "alloc_failed",
    ]
    .iter()
    .any(|told| text.contains(told))
}

fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1))
}

fn unavailable(name: &str, error: &candle_core::Error) -> RewardError {
    RewardError::Unsupported(format!("device `{name}` cannot be used: {error}"))
}
