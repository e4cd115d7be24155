package shelfwise.plugin;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.StopFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.apache.lucene.analysis.commongrams.CommonGramsFilter;
import org.apache.lucene.analysis.core.UpperCaseFilter;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.KeywordRepeatFilter;
import org.apache.lucene.analysis.miscellaneous.LengthFilter;
import org.apache.lucene.analysis.miscellaneous.LimitTokenCountFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.miscellaneous.TruncateTokenFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterGraphFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterIterator;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.ngram.NGramTokenFilter;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.apache.lucene.analysis.shingle.ShingleFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.apache.lucene.analysis.util.ElisionFilter;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.lucene.analysis.miscellaneous.DisableGraphAttribute;

/**
 * Token filters that an analyzer may name without configuring them. Elasticsearch gives some of
 * them other values than the same filter has when configured with no settings.
 */
final class PreConfiguredFilters {
    private static final int TRUNCATED_LENGTH = 10;

    private PreConfiguredFilters() {}

    static List<PreConfiguredTokenFilter> all() {
        List<PreConfiguredTokenFilter> filters = new ArrayList<>();
        LanguageFilters.NORMALIZING.forEach((name, filter) -> filters.add(normalizing(name, filter)));
        LanguageFilters.PLAIN.forEach((name, filter) -> filters.add(plain(name, filter)));
        LanguageFilters.WITH_EXCLUSION.forEach((name, filter) -> filters.add(plain(name, filter)));
        filters.add(normalizing("asciifolding", ASCIIFoldingFilter::new));
        filters.add(plain("cjk_bigram", CJKBigramFilter::new));
        filters.add(normalizing("cjk_width", CJKWidthFilter::new));
        filters.add(multiplying(
            "common_grams", input -> new CommonGramsFilter(input, CharArraySet.EMPTY_SET)));
        filters.add(multiplying("edge_ngram", input -> new EdgeNGramTokenFilter(input, 1)));
        filters.add(normalizing(
            "elision", input -> new ElisionFilter(input, FrenchAnalyzer.DEFAULT_ARTICLES)));
        filters.add(multiplying("keyword_repeat", KeywordRepeatFilter::new));
        filters.add(plain("kstem", KStemFilter::new));
        filters.add(plain("length", input -> new LengthFilter(input, 0, Integer.MAX_VALUE)));
        filters.add(plain("limit", input -> new LimitTokenCountFilter(input, 1, false)));
        filters.add(multiplying("ngram", input -> new NGramTokenFilter(input, 1, 2, false)));
        filters.add(plain("porter_stem", PorterStemFilter::new));
        filters.add(plain("reverse", ReverseStringFilter::new));
        filters.add(multiplying("shingle", PreConfiguredFilters::shingle));
        filters.add(plain("snowball", input -> new SnowballFilter(input, "English")));
        filters.add(plain("stemmer", PorterStemFilter::new));
        filters.add(plain(
            "stop", input -> new StopFilter(input, EnglishAnalyzer.ENGLISH_STOP_WORDS_SET)));
        filters.add(normalizing("trim", TrimFilter::new));
        filters.add(plain("truncate", input -> new TruncateTokenFilter(input, TRUNCATED_LENGTH)));
        filters.add(plain("unique", input -> new UniqueFilter(input, false)));
        filters.add(normalizing("uppercase", UpperCaseFilter::new));
        filters.add(multiplying(
            "word_delimiter",
            input -> new WordDelimiterFilter(input, WordDelimiter.DEFAULT_FLAGS, null)));
        filters.add(multiplying(
            "word_delimiter_graph",
            input -> new WordDelimiterGraphFilter(
                input,
                true,
                WordDelimiterIterator.DEFAULT_WORD_DELIM_TABLE,
                WordDelimiter.DEFAULT_FLAGS,
                null)));
        return filters;
    }

    /** Shingles of several sizes do not line up, and a graph over them would have no end. */
    private static TokenStream shingle(TokenStream input) {
        TokenStream shingles = new ShingleFilter(input);
        shingles.addAttribute(DisableGraphAttribute.class);
        return shingles;
    }

    private static PreConfiguredTokenFilter plain(
        String name, Function<TokenStream, TokenStream> filter) {
        return PreConfiguredTokenFilter.singleton(name, false, filter);
    }

    private static PreConfiguredTokenFilter normalizing(
        String name, Function<TokenStream, TokenStream> filter) {
        return PreConfiguredTokenFilter.singleton(name, true, filter);
    }

    private static PreConfiguredTokenFilter multiplying(
        String name, Function<TokenStream, TokenStream> filter) {
        return PreConfiguredTokenFilter.singleton(name, false, false, filter);
    }
}
