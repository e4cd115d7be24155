package shelfwise.plugin;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.text.ParseException;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.synonym.SolrSynonymParser;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.apache.lucene.analysis.synonym.WordnetSynonymParser;
import org.apache.lucene.util.CharsRef;
import org.apache.lucene.util.CharsRefBuilder;
import org.elasticsearch.index.IndexService.IndexCreationContext;
import org.elasticsearch.index.analysis.Analysis;
import org.elasticsearch.index.analysis.AnalysisMode;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.CustomAnalyzer;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/**
 * {@code synonym} and {@code synonym_graph}: rules inline or from a file of the configuration
 * folder, in Solr's or WordNet's format, read by the tokenizer and filters that come before.
 */
final class Synonyms implements TokenFilterFactory {
    private static final Logger LOGGER = LogManager.getLogger(Synonyms.class);

    private final AnalysisContext context;
    private final BiFunction<TokenStream, SynonymMap, TokenStream> filter;
    private final AnalysisMode mode;
    private final boolean lenient;

    private Synonyms(
        AnalysisContext context, BiFunction<TokenStream, SynonymMap, TokenStream> filter) {
        boolean updateable = context.flag("updateable", false);
        this.context = context;
        this.filter = filter;
        this.mode = updateable ? AnalysisMode.SEARCH_TIME : AnalysisMode.ALL;
        // A reload must not break an index that is being searched.
        this.lenient = context.flag("lenient", updateable);
    }

    static AnalysisProvider<TokenFilterFactory> provider(
        BiFunction<TokenStream, SynonymMap, TokenStream> filter) {
        return (index, environment, name, settings) ->
            new Synonyms(new AnalysisContext(index, environment, name, settings), filter);
    }

    @Override
    public String name() {
        return context.name();
    }

    @Override
    public AnalysisMode getAnalysisMode() {
        return mode;
    }

    @Override
    public TokenStream create(TokenStream input) {
        throw new IllegalStateException("[" + name() + "] works only within an analyzer");
    }

    @Override
    public TokenFilterFactory getChainAwareTokenFilterFactory(
        IndexCreationContext creation,
        TokenizerFactory tokenizer,
        List<CharFilterFactory> charFilters,
        List<TokenFilterFactory> previousFilters,
        Function<String, TokenFilterFactory> allFilters) {
        SynonymMap synonyms = read(ruleAnalyzer(tokenizer, charFilters, previousFilters));
        String name = name();
        AnalysisMode analysisMode = mode;
        return new TokenFilterFactory() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public TokenStream create(TokenStream input) {
                return synonyms.fst == null ? input : filter.apply(input, synonyms);
            }

            @Override
            public TokenFilterFactory getSynonymFilter() {
                // A later synonym filter reads its rules without this one: stacked tokens have no
                // place in a rule.
                return IDENTITY_FILTER;
            }

            @Override
            public AnalysisMode getAnalysisMode() {
                return analysisMode;
            }
        };
    }

    private static Analyzer ruleAnalyzer(
        TokenizerFactory tokenizer,
        List<CharFilterFactory> charFilters,
        List<TokenFilterFactory> filters) {
        return new CustomAnalyzer(
            tokenizer,
            charFilters.toArray(CharFilterFactory[]::new),
            filters.stream()
                .map(TokenFilterFactory::getSynonymFilter)
                .toArray(TokenFilterFactory[]::new));
    }

    private SynonymMap read(Analyzer analyzer) {
        boolean expand = context.flag("expand", true);
        boolean wordnet = "wordnet".equalsIgnoreCase(context.text("format", ""));
        try (Reader rules = rules()) {
            SynonymMap.Parser parser = wordnet
                ? new Wordnet(expand, lenient, analyzer)
                : new Solr(expand, lenient, analyzer);
            parser.parse(rules);
            return parser.build();
        } catch (IOException | ParseException | RuntimeException e) {
            throw new IllegalArgumentException("failed to build synonyms of [" + name() + "]", e);
        }
    }

    private Reader rules() {
        if (context.settings().hasValue("synonyms")) {
            return new StringReader(String.join("\n", context.lines("synonyms")));
        }
        String path = context.settings().get("synonyms_path");
        if (path != null) {
            return Analysis.getReaderFromFile(context.environment(), path, "synonyms");
        }
        if (context.settings().hasValue("synonyms_set")) {
            throw new IllegalArgumentException(
                "[synonyms_set] needs the synonyms API, which the embedded server lacks: use"
                    + " [synonyms] or [synonyms_path]");
        }
        throw new IllegalArgumentException(
            "synonym requires either `synonyms`, `synonyms_set` or `synonyms_path` to be configured");
    }

    /** What a lenient parser does with a rule that the analyzer cannot read: skip it. */
    @FunctionalInterface
    private interface Analyze {
        CharsRef run() throws IOException;
    }

    private static CharsRef skipUnreadable(String text, boolean lenient, Analyze analyze)
        throws IOException {
        try {
            return analyze.run();
        } catch (IllegalArgumentException e) {
            if (lenient == false) {
                throw e;
            }
            LOGGER.info("Synonym rule for [{}] is ignored: {}", text, e.getMessage());
            return new CharsRef("");
        }
    }

    private static boolean isComplete(CharsRef input, CharsRef output, boolean lenient) {
        return lenient == false || (input.length > 0 && output.length > 0);
    }

    private static final class Solr extends SolrSynonymParser {
        private final boolean lenient;

        Solr(boolean expand, boolean lenient, Analyzer analyzer) {
            super(true, expand, analyzer);
            this.lenient = lenient;
        }

        @Override
        public CharsRef analyze(String text, CharsRefBuilder reuse) throws IOException {
            return skipUnreadable(text, lenient, () -> super.analyze(text, reuse));
        }

        @Override
        public void add(CharsRef input, CharsRef output, boolean includeOriginal) {
            if (isComplete(input, output, lenient)) {
                super.add(input, output, includeOriginal);
            }
        }
    }

    private static final class Wordnet extends WordnetSynonymParser {
        private final boolean lenient;

        Wordnet(boolean expand, boolean lenient, Analyzer analyzer) {
            super(true, expand, analyzer);
            this.lenient = lenient;
        }

        @Override
        public CharsRef analyze(String text, CharsRefBuilder reuse) throws IOException {
            return skipUnreadable(text, lenient, () -> super.analyze(text, reuse));
        }

        @Override
        public void add(CharsRef input, CharsRef output, boolean includeOriginal) {
            if (isComplete(input, output, lenient)) {
                super.add(input, output, includeOriginal);
            }
        }
    }
}
