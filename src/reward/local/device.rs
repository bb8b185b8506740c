//! Where the computation runs, and on how many threads.

use candle_core::{Device, DeviceLocation};

use crate::reward::{DeviceChoice, LoadOptions, RewardError};

/// A device and, for the CPU, the threads that work there. (candle's quantised products use threads of their own, one per
/// core unless `CANDLE_NUM_THREADS` says otherwise.)
pub(crate) struct Engine {
    /// Where tokens go in and hidden states come out.
    pub(crate) device: Device,
    /// All that layers are split over, the first among them.
    pub(crate) devices: Vec<Device>,
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
        let mut devices = vec![device.clone()];
        devices.extend((1..options.split.unwrap_or(1)).map_while(|n| beside(&device, n)));
        Ok(Self {
            device,
            devices,
            pool,
        })
    }

    /// Takes further GPUs while the weights do not fit those there are, unless it was said how many.
    pub(crate) fn spread(&mut self, bytes: u64, options: &LoadOptions) {
        while options.split.is_none()
            && let Some(free) = self.devices.iter().map(free).sum::<Option<u64>>()
            && bytes + bytes / 8 > free
            && let Some(next) = beside(&self.device, self.devices.len())
        {
            self.devices.push(next);
        }
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
            (Device::Cuda(_), _) if self.devices.len() > 1 => {
                format!("cuda ({} devices)", self.devices.len())
            }
            (Device::Cuda(_), _) => "cuda".to_owned(),
            (Device::Metal(_), _) => "metal".to_owned(),
        }
    }
}

/// The device `n` places after this one. A CPU is beside itself, so that splitting can be tried without a second GPU.
fn beside(device: &Device, n: usize) -> Option<Device> {
    match device.location() {
        DeviceLocation::Cpu => Some(Device::Cpu),
        DeviceLocation::Cuda { gpu_id } => Device::new_cuda(gpu_id + n).ok(),
        DeviceLocation::Metal { .. } => None,
    }
}

/// Bytes of memory that a GPU has free, where that can be asked.
fn free(device: &Device) -> Option<u64> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(device) = device {
        use candle_core::cuda_backend::cudarc::driver::result::mem_get_info;
        device.cuda_stream().context().bind_to_thread().ok()?;
        return mem_get_info().ok().map(|(free, _)| free as u64);
    }
    // Of a CPU the whole memory is checked elsewhere.
    let _ = device;
    None
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
