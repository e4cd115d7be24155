package shelfwise.plugin;

import java.io.IOException;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.TokenStream;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** A token filter of Lucene under the name that the index gives it. */
class FilterFactory implements TokenFilterFactory {
    private final String name;
    private final UnaryOperator<TokenStream> filter;

    FilterFactory(String name, UnaryOperator<TokenStream> filter) {
        this.name = name;
        this.filter = filter;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public TokenStream create(TokenStream input) {
        return filter.apply(input);
    }

    /** Reads the settings of a filter. */
    @FunctionalInterface
    interface Recipe {
        UnaryOperator<TokenStream> read(AnalysisContext context) throws IOException;
    }

    /** A filter that leaves each token one token. */
    static AnalysisProvider<TokenFilterFactory> plain(Recipe recipe) {
        return (index, environment, name, settings) -> new FilterFactory(
            name, recipe.read(new AnalysisContext(index, environment, name, settings)));
    }

    /** A filter that works character by character, so that normalizers and wildcards use it too. */
    static AnalysisProvider<TokenFilterFactory> normalizing(Recipe recipe) {
        return (index, environment, name, settings) -> new Normalizing(
            name, recipe.read(new AnalysisContext(index, environment, name, settings)));
    }

    /** A filter that makes several tokens of one, so that synonym rules cannot be read by it. */
    static AnalysisProvider<TokenFilterFactory> multiplying(Recipe recipe) {
        return (index, environment, name, settings) -> new Multiplying(
            name, recipe.read(new AnalysisContext(index, environment, name, settings)));
    }

    /** A filter without settings. */
    static AnalysisProvider<TokenFilterFactory> bare(UnaryOperator<TokenStream> filter) {
        return plain(context -> filter);
    }

    /** A character-wise filter without settings. */
    static AnalysisProvider<TokenFilterFactory> bareNormalizing(UnaryOperator<TokenStream> filter) {
        return normalizing(context -> filter);
    }

    private static final class Normalizing extends FilterFactory
        implements NormalizingTokenFilterFactory {
        Normalizing(String name, UnaryOperator<TokenStream> filter) {
            super(name, filter);
        }
    }

    static final class Multiplying extends FilterFactory {
        Multiplying(String name, UnaryOperator<TokenStream> filter) {
            super(name, filter);
        }

        @Override
        public TokenFilterFactory getSynonymFilter() {
            throw new IllegalArgumentException(
                "Token filter [" + name() + "] cannot be used to parse synonyms");
        }

        @Override
        public boolean breaksFastVectorHighlighter() {
            return true;
        }
    }
}
