package shelfwise.plugin;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.StopFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.core.KeywordAnalyzer;
import org.apache.lucene.analysis.core.SimpleAnalyzer;
import org.apache.lucene.analysis.core.StopAnalyzer;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.FingerprintFilter;
import org.apache.lucene.analysis.pattern.PatternTokenizer;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.AnalyzerScope;
import org.elasticsearch.index.analysis.PreBuiltAnalyzerProviderFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.indices.analysis.PreBuiltCacheFactory.CachingStrategy;

/** The analyzers under Elasticsearch's names; the server itself has {@code standard}. */
final class Analyzers {
    private static final String NON_WORD = "\\W+";
    private static final int FINGERPRINT_CHARACTERS = 255;

    private Analyzers() {}

    static Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> all() {
        Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> analyzers =
            new TreeMap<>();
        analyzers.put("fingerprint", configured(Analyzers::fingerprint));
        analyzers.put("keyword", configured(context -> new KeywordAnalyzer()));
        analyzers.put("pattern", configured(context -> pattern(
            context.pattern(NON_WORD),
            context.flag("lowercase", true),
            context.stopWords(CharArraySet.EMPTY_SET))));
        analyzers.put("simple", configured(context -> new SimpleAnalyzer()));
        analyzers.put("stop", configured(context ->
            new StopAnalyzer(context.stopWords(EnglishAnalyzer.ENGLISH_STOP_WORDS_SET))));
        analyzers.put("whitespace", configured(context -> new WhitespaceAnalyzer()));
        LanguageAnalyzers.ALL.forEach((name, language) ->
            analyzers.put(name, configured(language::analyzer)));
        return analyzers;
    }

    /** Those that a field may name without configuring them, beside the server's own. */
    static List<PreBuiltAnalyzerProviderFactory> preBuilt() {
        List<PreBuiltAnalyzerProviderFactory> analyzers = new ArrayList<>();
        analyzers.add(preBuilt(
            "pattern", () -> pattern(Pattern.compile(NON_WORD), true, CharArraySet.EMPTY_SET)));
        LanguageAnalyzers.ALL.forEach((name, language) ->
            analyzers.add(preBuilt(name, language::analyzer)));
        return analyzers;
    }

    private static PreBuiltAnalyzerProviderFactory preBuilt(
        String name, Supplier<Analyzer> analyzer) {
        return new PreBuiltAnalyzerProviderFactory(name, CachingStrategy.LUCENE, analyzer);
    }

    @FunctionalInterface
    private interface Recipe {
        Analyzer read(AnalysisContext context);
    }

    private static AnalysisProvider<AnalyzerProvider<? extends Analyzer>> configured(
        Recipe recipe) {
        return (index, environment, name, settings) -> new Provider(
            name, recipe.read(new AnalysisContext(index, environment, name, settings)));
    }

    private record Provider(String name, Analyzer get) implements AnalyzerProvider<Analyzer> {
        @Override
        public AnalyzerScope scope() {
            return AnalyzerScope.INDEX;
        }
    }

    private static Analyzer fingerprint(AnalysisContext context) {
        char separator = context.character("separator", ' ');
        int longest = context.number("max_output_size", FINGERPRINT_CHARACTERS);
        CharArraySet stopWords = context.stopWords(CharArraySet.EMPTY_SET);
        return new Analyzer() {
            @Override
            protected TokenStreamComponents createComponents(String field) {
                Tokenizer tokenizer = new StandardTokenizer();
                TokenStream tokens = new LowerCaseFilter(tokenizer);
                tokens = new ASCIIFoldingFilter(tokens, false);
                tokens = new StopFilter(tokens, stopWords);
                tokens = new FingerprintFilter(tokens, longest, separator);
                return new TokenStreamComponents(tokenizer, tokens);
            }
        };
    }

    private static Analyzer pattern(Pattern pattern, boolean lowercase, CharArraySet stopWords) {
        return new Analyzer() {
            @Override
            protected TokenStreamComponents createComponents(String field) {
                Tokenizer tokenizer = new PatternTokenizer(pattern, -1);
                TokenStream tokens = lowercase ? new LowerCaseFilter(tokenizer) : tokenizer;
                if (stopWords.isEmpty() == false) {
                    tokens = new StopFilter(tokens, stopWords);
                }
                return new TokenStreamComponents(tokenizer, tokens);
            }

            @Override
            protected TokenStream normalize(String field, TokenStream input) {
                return lowercase ? new LowerCaseFilter(input) : input;
            }
        };
    }
}
