package shelfwise.plugin;

import static org.elasticsearch.plugins.AnalysisPlugin.requiresAnalysisSettings;
import static shelfwise.plugin.FilterFactory.bare;
import static shelfwise.plugin.FilterFactory.bareNormalizing;
import static shelfwise.plugin.FilterFactory.multiplying;
import static shelfwise.plugin.FilterFactory.normalizing;
import static shelfwise.plugin.FilterFactory.plain;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.core.FlattenGraphFilter;
import org.apache.lucene.analysis.core.TypeTokenFilter;
import org.apache.lucene.analysis.core.UpperCaseFilter;
import org.apache.lucene.analysis.el.GreekLowerCaseFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.ga.IrishLowerCaseFilter;
import org.apache.lucene.analysis.miscellaneous.FingerprintFilter;
import org.apache.lucene.analysis.miscellaneous.KeepWordFilter;
import org.apache.lucene.analysis.miscellaneous.KeywordRepeatFilter;
import org.apache.lucene.analysis.miscellaneous.LengthFilter;
import org.apache.lucene.analysis.miscellaneous.LimitTokenCountFilter;
import org.apache.lucene.analysis.miscellaneous.PatternKeywordMarkerFilter;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.miscellaneous.SetKeywordMarkerFilter;
import org.apache.lucene.analysis.miscellaneous.TrimFilter;
import org.apache.lucene.analysis.miscellaneous.TruncateTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.apache.lucene.analysis.pattern.PatternReplaceFilter;
import org.apache.lucene.analysis.reverse.ReverseStringFilter;
import org.apache.lucene.analysis.synonym.SynonymFilter;
import org.apache.lucene.analysis.synonym.SynonymGraphFilter;
import org.apache.lucene.analysis.tr.TurkishLowerCaseFilter;
import org.apache.lucene.analysis.util.ElisionFilter;
import org.elasticsearch.common.regex.Regex;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** The token filters that take settings, under Elasticsearch's names, with its defaults. */
final class TokenFilters {
    private static final int FINGERPRINT_CHARACTERS = 255;

    private TokenFilters() {}

    static Map<String, AnalysisProvider<TokenFilterFactory>> all() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new TreeMap<>();
        filters.putAll(LanguageFilters.all());
        filters.putAll(GramFilters.all());
        filters.put("asciifolding", AsciiFolding.PROVIDER);
        filters.put("elision", requiresAnalysisSettings(normalizing(TokenFilters::elision)));
        filters.put("fingerprint", multiplying(TokenFilters::fingerprint));
        filters.put("flatten_graph", bare(FlattenGraphFilter::new));
        filters.put("keep", requiresAnalysisSettings(plain(TokenFilters::keep)));
        filters.put("keep_types", requiresAnalysisSettings(plain(TokenFilters::keepTypes)));
        filters.put("keyword_marker", requiresAnalysisSettings(plain(TokenFilters::keywordMarker)));
        filters.put("keyword_repeat", bare(KeywordRepeatFilter::new));
        filters.put("kstem", bare(KStemFilter::new));
        filters.put("length", plain(TokenFilters::length));
        filters.put("limit", plain(TokenFilters::limit));
        filters.put("lowercase", normalizing(TokenFilters::lowercase));
        filters.put(
            "pattern_capture", requiresAnalysisSettings(multiplying(TokenFilters::patternCapture)));
        filters.put(
            "pattern_replace", requiresAnalysisSettings(normalizing(TokenFilters::patternReplace)));
        filters.put("porter_stem", bare(PorterStemFilter::new));
        filters.put(
            "remove_duplicates",
            bare(RemoveDuplicatesTokenFilter::new));
        filters.put("reverse", bare(ReverseStringFilter::new));
        filters.put("snowball", plain(Stemmers::snowball));
        filters.put("stemmer", plain(Stemmers::stemmer));
        filters.put(
            "stemmer_override", requiresAnalysisSettings(plain(StemmerOverride::filter)));
        filters.put(
            "synonym",
            requiresAnalysisSettings(
                Synonyms.provider((input, map) -> new SynonymFilter(input, map, false))));
        filters.put(
            "synonym_graph",
            requiresAnalysisSettings(
                Synonyms.provider((input, map) -> new SynonymGraphFilter(input, map, false))));
        filters.put("trim", bareNormalizing(TrimFilter::new));
        filters.put("truncate", requiresAnalysisSettings(plain(TokenFilters::truncate)));
        filters.put("unique", plain(TokenFilters::unique));
        filters.put("uppercase", bareNormalizing(UpperCaseFilter::new));
        filters.put("word_delimiter", multiplying(WordDelimiter::flat));
        filters.put("word_delimiter_graph", multiplying(WordDelimiter::graph));
        return filters;
    }

    private static UnaryOperator<TokenStream> elision(AnalysisContext context) {
        CharArraySet given = context.words("articles", context.flag("articles_case", false));
        CharArraySet articles = given == null ? FrenchAnalyzer.DEFAULT_ARTICLES : given;
        return input -> new ElisionFilter(input, articles);
    }

    private static UnaryOperator<TokenStream> fingerprint(AnalysisContext context) {
        char separator = context.character("separator", ' ');
        int longest = context.number("max_output_size", FINGERPRINT_CHARACTERS);
        return input -> new FingerprintFilter(input, longest, separator);
    }

    private static UnaryOperator<TokenStream> keep(AnalysisContext context) {
        boolean ignoreCase = context.flag("keep_words_case", false);
        CharArraySet words = context.requiredWords("keep_words", ignoreCase);
        return input -> new KeepWordFilter(input, words);
    }

    private static UnaryOperator<TokenStream> keepTypes(AnalysisContext context) {
        Set<String> types = Set.copyOf(context.settings().getAsList("types"));
        if (types.isEmpty()) {
            throw new IllegalArgumentException("keep_types requires [types] to be configured");
        }
        boolean include = switch (context.text("mode", "include").toLowerCase(Locale.ROOT)) {
            case "include" -> true;
            case "exclude" -> false;
            default -> throw new IllegalArgumentException(
                "`keep_types` tokenfilter mode can only be [include] or [exclude] but was ["
                    + context.text("mode", "") + "].");
        };
        return input -> new TypeTokenFilter(input, types, include);
    }

    private static UnaryOperator<TokenStream> keywordMarker(AnalysisContext context) {
        String expression = context.settings().get("keywords_pattern");
        CharArraySet words = context.words("keywords", context.flag("ignore_case", false));
        if (expression != null && words != null) {
            throw new IllegalArgumentException(
                "cannot specify both `keywords_pattern` and `keywords` or `keywords_path`");
        }
        if (expression != null) {
            Pattern pattern = Pattern.compile(expression);
            return input -> new PatternKeywordMarkerFilter(input, pattern);
        }
        CharArraySet keywords = context.requiredWords("keywords", context.flag("ignore_case", false));
        return input -> new SetKeywordMarkerFilter(input, keywords);
    }

    private static UnaryOperator<TokenStream> length(AnalysisContext context) {
        int shortest = context.number("min", 0);
        int longest = context.number("max", Integer.MAX_VALUE);
        return input -> new LengthFilter(input, shortest, longest);
    }

    private static UnaryOperator<TokenStream> limit(AnalysisContext context) {
        int tokens = context.number("max_token_count", 1);
        boolean consumeAll = context.flag("consume_all_tokens", false);
        return input -> new LimitTokenCountFilter(input, tokens, consumeAll);
    }

    private static UnaryOperator<TokenStream> lowercase(AnalysisContext context) {
        String language = context.settings().get("language");
        if (language == null) {
            return LowerCaseFilter::new;
        }
        return switch (language.toLowerCase(Locale.ROOT)) {
            case "greek" -> GreekLowerCaseFilter::new;
            case "irish" -> IrishLowerCaseFilter::new;
            case "turkish" -> TurkishLowerCaseFilter::new;
            default -> throw new IllegalArgumentException(
                "language [" + language + "] not support for lower case");
        };
    }

    private static UnaryOperator<TokenStream> patternCapture(AnalysisContext context) {
        List<String> expressions = context.settings().getAsList("patterns");
        if (expressions.isEmpty()) {
            throw new IllegalArgumentException("required setting 'patterns' is missing");
        }
        Pattern[] patterns = expressions.stream().map(Pattern::compile).toArray(Pattern[]::new);
        boolean preserve = context.flag("preserve_original", true);
        return input -> new PatternCaptureGroupTokenFilter(input, preserve, patterns);
    }

    private static UnaryOperator<TokenStream> patternReplace(AnalysisContext context) {
        Pattern pattern = Regex.compile(context.required("pattern"), context.text("flags", null));
        String replacement = context.text("replacement", "");
        boolean all = context.flag("all", true);
        return input -> new PatternReplaceFilter(input, pattern, replacement, all);
    }

    private static UnaryOperator<TokenStream> truncate(AnalysisContext context) {
        int length = context.number("length", -1);
        if (length <= 0) {
            throw new IllegalArgumentException("length parameter must be provided");
        }
        return input -> new TruncateTokenFilter(input, length);
    }

    private static UnaryOperator<TokenStream> unique(AnalysisContext context) {
        boolean samePosition = context.flag("only_on_same_position", false);
        return input -> new UniqueFilter(input, samePosition);
    }
}
