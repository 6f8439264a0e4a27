import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.store.MMapDirectory;

/**
 * The Lucene side of bench/rivals/lexical.py; arguments and output as the tantivy side. Same tokens, one thread, one
 * segment, no counts, no query cache.
 */
public final class LuceneRival {
  private static double cpuSeconds() {
    var system = (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getProcessCpuTime() / 1e9;
  }

  private static long folderBytes(Path folder) throws IOException {
    long sum = 0;
    try (var files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) sum += Files.size(file);
    }
    return sum;
  }

  private static IndexWriterConfig config() {
    var config = new IndexWriterConfig(new WhitespaceAnalyzer());
    config.setRAMBufferSizeMB(1024);
    config.setMergePolicy(NoMergePolicy.INSTANCE);
    config.setUseCompoundFile(false);
    return config;
  }

  private static void build(Path corpus, Path folder) throws IOException {
    var type = new FieldType();
    type.setIndexOptions(IndexOptions.DOCS_AND_FREQS_AND_POSITIONS);
    type.setTokenized(true);
    type.freeze();
    long start = System.nanoTime();
    double wall, cpu;
    try (var directory = new MMapDirectory(folder)) {
      try (var writer = new IndexWriter(directory, config()); BufferedReader lines = Files.newBufferedReader(corpus)) {
        for (String line; (line = lines.readLine()) != null; ) {
          var document = new Document();
          document.add(new Field("body", line, type));
          writer.addDocument(document);
        }
        writer.commit();
        wall = (System.nanoTime() - start) / 1e9;
        cpu = cpuSeconds();
      }
      var merging = config().setMergePolicy(new TieredMergePolicy()).setMergeScheduler(new SerialMergeScheduler());
      try (var writer = new IndexWriter(directory, merging)) {
        writer.forceMerge(1);
      }
    }
    System.out.printf(Locale.ROOT, "build_wall %.3f build_cpu %.2f merged_wall %.3f merged_cpu %.2f bytes %d%n", wall, cpu,
        (System.nanoTime() - start) / 1e9, cpuSeconds(), folderBytes(folder));
  }

  private static void serve(Path folder, Path queries) throws IOException {
    List<String[]> all = new ArrayList<>();
    for (String line : Files.readAllLines(queries)) all.add(line.split(" "));
    try (var reader = DirectoryReader.open(new MMapDirectory(folder))) {
      var searcher = new IndexSearcher(reader);
      searcher.setQueryCache(null);
      System.out.println("ready");
      var input = new BufferedReader(new InputStreamReader(System.in));
      while (input.readLine() != null) {
        var out = new StringBuilder();
        for (String[] terms : all) {
          long start = System.nanoTime();
          var query = new BooleanQuery.Builder();
          for (String term : terms) query.add(new TermQuery(new Term("body", term)), BooleanClause.Occur.SHOULD);
          Query built = query.build();
          var hits = searcher.search(built, new TopScoreDocCollectorManager(10, null, 10));
          double microseconds = (System.nanoTime() - start) / 1e3;
          if (hits.scoreDocs.length > 10) throw new IllegalStateException("more than ten");
          out.append(String.format(Locale.ROOT, "%.1f ", microseconds));
        }
        System.out.println(out);
      }
    }
  }

  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 3 && arguments[0].equals("build")) {
      build(Path.of(arguments[1]), Path.of(arguments[2]));
    } else if (arguments.length == 3 && arguments[0].equals("serve")) {
      serve(Path.of(arguments[1]), Path.of(arguments[2]));
    } else {
      System.err.println("usage: LuceneRival build CORPUS FOLDER | serve FOLDER QUERIES");
      System.exit(2);
    }
  }
}
