//! Feeds the readers of data files whatever libFuzzer finds: the first byte names the format (beyond the last one: by the content), the
//! rest is the file. Nothing may panic, hang or fill the memory, and no more rows may come out than went in. An hour of it:
//!
//! ```sh
//! cd tests/fuzz && mkdir -p corpus && for file in $(find ../fixtures/dataset -type f -size -60k); do
//!   (printf '\377'; cat "$file") >corpus/$(md5sum <"$file" | cut -c-16); done
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
//!   -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
//!   cargo run --release --target x86_64-unknown-linux-gnu -- corpus -max_total_time=3600 -max_len=65536 -timeout=20 -rss_limit_mb=6000
//! ```
#![no_main]
#![allow(dead_code, unused_imports, missing_docs, reason = "only the readers of these rooms are used here")]

#[path = "../../../src/dataset/mod.rs"]
mod dataset;
#[path = "../../../src/domain/mod.rs"]
mod domain;
#[path = "../../../src/task/mod.rs"]
mod task;

use std::cell::RefCell;
use std::io::{Seek as _, SeekFrom, Write as _};

use dataset::{Format, Mapping, ReadAs};
use tempfile::NamedTempFile;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::new_in("/dev/shm").unwrap());
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, bytes)) = data.split_first() else {
        return;
    };
    let read_as = match Format::ALL.get(usize::from(*first)) {
        Some(Format::CsvMap) => {
            let fields = ["prompt=prompt", "response_a=chosen", "response_b=rejected", "preferred=label.0", "strength=strength"];
            let mut mapping = Mapping::default();
            for field in fields {
                mapping.extend(field.parse().unwrap());
            }
            ReadAs::mapped(mapping)
        }
        format => ReadAs::format(format.copied()),
    };
    FILE.with_borrow_mut(|file| {
        file.as_file().set_len(0).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(bytes).unwrap();
        let mut job = task::Job {
            cancel: task::Cancel::default(),
            report: &mut |_| {},
        };
        let mut items = 0;
        let read = dataset::read(&[file.path().to_owned()], &read_as, &mut job, &mut |_| {
            items += 1;
            Ok(())
        });
        if let Ok(report) = read {
            assert!(report.imported + report.rejected_in_all <= report.read, "{report:?}");
            // One of MT-bench makes an item for each of at most eight rounds.
            assert!(items <= 8 * report.imported, "{report:?}");
        }
    });
});
