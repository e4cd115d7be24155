package shelfwise.plugin;

import static org.elasticsearch.plugins.AnalysisPlugin.requiresAnalysisSettings;

import java.io.Reader;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.charfilter.HTMLStripCharFilter;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.pattern.PatternReplaceCharFilter;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.NormalizingCharFilterFactory;
import org.elasticsearch.index.analysis.PreConfiguredCharFilter;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** The character filters under Elasticsearch's names. */
final class CharFilters {
    private CharFilters() {}

    static Map<String, AnalysisProvider<CharFilterFactory>> all() {
        return Map.of(
            "html_strip", (index, environment, name, settings) -> new Plain(
                name, htmlStrip(new AnalysisContext(index, environment, name, settings))),
            "mapping", requiresAnalysisSettings((index, environment, name, settings) ->
                new Normalizing(
                    name, mapping(new AnalysisContext(index, environment, name, settings)))),
            "pattern_replace", requiresAnalysisSettings((index, environment, name, settings) ->
                new Normalizing(
                    name, patternReplace(new AnalysisContext(index, environment, name, settings)))));
    }

    static List<PreConfiguredCharFilter> preConfigured() {
        return List.of(
            PreConfiguredCharFilter.singleton("html_strip", false, HTMLStripCharFilter::new));
    }

    private record Plain(String name, UnaryOperator<Reader> filter) implements CharFilterFactory {
        @Override
        public Reader create(Reader input) {
            return filter.apply(input);
        }
    }

    /** A filter that normalizers may use as well. */
    private record Normalizing(String name, UnaryOperator<Reader> filter)
        implements NormalizingCharFilterFactory {
        @Override
        public Reader create(Reader input) {
            return filter.apply(input);
        }
    }

    private static UnaryOperator<Reader> htmlStrip(AnalysisContext context) {
        Set<String> kept = Set.copyOf(context.settings().getAsList("escaped_tags"));
        return input ->
            kept.isEmpty() ? new HTMLStripCharFilter(input) : new HTMLStripCharFilter(input, kept);
    }

    private static UnaryOperator<Reader> mapping(AnalysisContext context) {
        List<String> rules = context.lines("mappings");
        if (rules == null) {
            throw new IllegalArgumentException(
                "mapping requires either `mappings` or `mappings_path` to be configured");
        }
        NormalizeCharMap.Builder map = new NormalizeCharMap.Builder();
        for (String rule : rules) {
            int arrow = rule.lastIndexOf("=>");
            if (arrow < 0) {
                throw new IllegalArgumentException("Invalid Mapping Rule : [" + rule + "]");
            }
            map.add(
                Escapes.unescape(rule.substring(0, arrow).trim()),
                Escapes.unescape(rule.substring(arrow + 2).trim()));
        }
        NormalizeCharMap built = map.build();
        return input -> new MappingCharFilter(built, input);
    }

    private static UnaryOperator<Reader> patternReplace(AnalysisContext context) {
        Pattern pattern = context.pattern(null);
        String replacement = context.text("replacement", "");
        return input -> new PatternReplaceCharFilter(pattern, replacement, input);
    }
}
