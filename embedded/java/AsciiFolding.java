package shelfwise.plugin;

import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** {@code asciifolding}: a normalizer and a synonym rule see only the folded form. */
record AsciiFolding(String name, boolean preserveOriginal)
    implements NormalizingTokenFilterFactory {
    static final AnalysisProvider<TokenFilterFactory> PROVIDER =
        (index, environment, name, settings) ->
            new AsciiFolding(name, settings.getAsBoolean("preserve_original", false));

    @Override
    public TokenStream create(TokenStream input) {
        return new ASCIIFoldingFilter(input, preserveOriginal);
    }

    @Override
    public TokenStream normalize(TokenStream input) {
        return new ASCIIFoldingFilter(input);
    }

    @Override
    public TokenFilterFactory getSynonymFilter() {
        return preserveOriginal ? new AsciiFolding(name, false) : this;
    }
}
