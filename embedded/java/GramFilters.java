package shelfwise.plugin;

import static org.elasticsearch.plugins.AnalysisPlugin.requiresAnalysisSettings;
import static shelfwise.plugin.FilterFactory.bareNormalizing;
import static shelfwise.plugin.FilterFactory.multiplying;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.apache.lucene.analysis.commongrams.CommonGramsFilter;
import org.apache.lucene.analysis.commongrams.CommonGramsQueryFilter;
import org.apache.lucene.analysis.compound.DictionaryCompoundWordTokenFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.ngram.NGramTokenFilter;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** Filters that cut tokens into pieces or join neighbours. */
final class GramFilters {
    private static final int SHORTEST_COMPOUND = 5;
    private static final int SHORTEST_PART = 2;
    private static final int LONGEST_PART = 15;
    private static final Map<String, Integer> SCRIPTS = Map.of(
        "han", CJKBigramFilter.HAN,
        "hiragana", CJKBigramFilter.HIRAGANA,
        "katakana", CJKBigramFilter.KATAKANA,
        "hangul", CJKBigramFilter.HANGUL);

    private GramFilters() {}

    static Map<String, AnalysisProvider<TokenFilterFactory>> all() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new TreeMap<>();
        filters.put("cjk_bigram", multiplying(GramFilters::cjkBigram));
        filters.put("cjk_width", bareNormalizing(CJKWidthFilter::new));
        filters.put("common_grams", requiresAnalysisSettings(multiplying(GramFilters::commonGrams)));
        filters.put(
            "dictionary_decompounder",
            requiresAnalysisSettings(multiplying(GramFilters::decompounder)));
        filters.put("edge_ngram", multiplying(GramFilters::edgeNgram));
        filters.put("ngram", multiplying(GramFilters::ngram));
        return filters;
    }

    private static UnaryOperator<TokenStream> cjkBigram(AnalysisContext context) {
        List<String> ignored = context.choices("ignored_scripts", SCRIPTS.keySet());
        int flags = SCRIPTS.entrySet().stream()
            .filter(script -> ignored.contains(script.getKey()) == false)
            .mapToInt(Map.Entry::getValue)
            .sum();
        boolean unigrams = context.flag("output_unigrams", false);
        return input -> new CJKBigramFilter(input, flags, unigrams);
    }

    private static UnaryOperator<TokenStream> commonGrams(AnalysisContext context) {
        CharArraySet words =
            context.requiredWords("common_words", context.flag("ignore_case", false));
        boolean forQueries = context.flag("query_mode", false);
        return input -> {
            CommonGramsFilter grams = new CommonGramsFilter(input, words);
            return forQueries ? new CommonGramsQueryFilter(grams) : grams;
        };
    }

    private static UnaryOperator<TokenStream> decompounder(AnalysisContext context) {
        CharArraySet words = context.requiredWords("word_list", true);
        int shortestWord = context.number("min_word_size", SHORTEST_COMPOUND);
        int shortestPart = context.number("min_subword_size", SHORTEST_PART);
        int longestPart = context.number("max_subword_size", LONGEST_PART);
        boolean onlyLongest = context.flag("only_longest_match", false);
        return input -> new DictionaryCompoundWordTokenFilter(
            input, words, shortestWord, shortestPart, longestPart, onlyLongest);
    }

    private static UnaryOperator<TokenStream> edgeNgram(AnalysisContext context) {
        int smallest = context.number("min_gram", 1);
        int largest = context.number("max_gram", 2);
        boolean preserve = context.flag("preserve_original", false);
        String side = context.text("side", "front");
        if (Set.of("front", "back").contains(side) == false) {
            throw new IllegalArgumentException("invalid side: " + side);
        }
        UnaryOperator<TokenStream> front =
            input -> new EdgeNGramTokenFilter(input, smallest, largest, preserve);
        return side.equals("front")
            ? front
            : input -> new ReverseStringFilter(front.apply(new ReverseStringFilter(input)));
    }

    private static UnaryOperator<TokenStream> ngram(AnalysisContext context) {
        int[] grams = context.grams();
        boolean preserve = context.flag("preserve_original", false);
        return input -> new NGramTokenFilter(input, grams[0], grams[1], preserve);
    }
}
