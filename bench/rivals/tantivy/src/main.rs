//! The tantivy side of bench/rivals/lexical.py: the same tokens, one thread, one segment, no counts.
//!
//!   tantivy-rival build CORPUS FOLDER     one document per line, terms separated by blanks
//!   tantivy-rival serve FOLDER QUERIES    prints "ready"; for each line read, runs all queries once and prints their
//!                                         times in microseconds on one line
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Instant;

use tantivy::collector::TopDocs;
use tantivy::indexer::NoMergePolicy;
use tantivy::query::BooleanQuery;
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::WhitespaceTokenizer;
use tantivy::{Index, IndexWriter, TantivyDocument, Term};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn cpu_seconds() -> f64 {
    // utime and stime of the whole process, in clock ticks of 1/100 s
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap_or(0.0) / 100.0).sum()
}

fn folder_bytes(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

fn build(corpus: &str, folder: &Path) -> Outcome {
    fs::create_dir_all(folder)?;
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("blanks")
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let body = schema.add_text_field("body", TextOptions::default().set_indexing_options(indexing));
    let index = Index::create_in_dir(folder, schema.build())?;
    index.tokenizers().register("blanks", WhitespaceTokenizer::default());

    let start = Instant::now();
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 1 << 30)?;
    writer.set_merge_policy(Box::new(NoMergePolicy));
    for line in BufReader::with_capacity(1 << 20, fs::File::open(corpus)?).lines() {
        let mut document = TantivyDocument::default();
        document.add_text(body, line?);
        writer.add_document(document)?;
    }
    writer.commit()?;
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds());
    let segments = index.searchable_segment_ids()?;
    if segments.len() > 1 {
        writer.merge(&segments).wait()?;
    }
    writer.garbage_collect_files().wait()?;
    writer.wait_merging_threads()?;
    println!(
        "build_wall {wall:.3} build_cpu {cpu:.2} merged_wall {:.3} merged_cpu {:.2} bytes {} segments {}",
        start.elapsed().as_secs_f64(), cpu_seconds(), folder_bytes(folder)?, segments.len()
    );
    Ok(())
}

fn serve(folder: &Path, queries: &str) -> Outcome {
    let index = Index::open_in_dir(folder)?;
    index.tokenizers().register("blanks", WhitespaceTokenizer::default());
    let body = index.schema().get_field("body")?;
    let searcher = index.reader()?.searcher();
    let queries: Vec<Vec<String>> = fs::read_to_string(queries)?
        .lines()
        .map(|line| line.split(' ').map(String::from).collect())
        .collect();
    let collector = TopDocs::with_limit(10).order_by_score();
    println!("ready");
    for _ in io::stdin().lock().lines() {
        let mut out = String::new();
        for terms in &queries {
            let start = Instant::now();
            let terms = terms.iter().map(|term| Term::from_field_text(body, term)).collect();
            let hits = searcher.search(&BooleanQuery::new_multiterms_query(terms), &collector)?;
            let microseconds = start.elapsed().as_nanos() as f64 / 1000.0;
            assert!(hits.len() <= 10);
            out += &format!("{microseconds:.1} ");
        }
        println!("{out}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "build", corpus, folder] => build(corpus, Path::new(folder)),
        [_, "serve", folder, queries] => serve(Path::new(folder), queries),
        _ => Err("usage: tantivy-rival build CORPUS FOLDER | serve FOLDER QUERIES".into()),
    }
}
