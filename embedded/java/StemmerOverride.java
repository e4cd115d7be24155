package shelfwise.plugin;

import java.io.IOException;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.miscellaneous.StemmerOverrideFilter;

/** {@code stemmer_override}: rules such as {@code running, runs => run}. */
final class StemmerOverride {
    private StemmerOverride() {}

    static UnaryOperator<TokenStream> filter(AnalysisContext context) throws IOException {
        List<String> rules = context.lines("rules");
        if (rules == null) {
            throw new IllegalArgumentException(
                "stemmer override filter requires either `rules` or `rules_path` to be configured");
        }
        StemmerOverrideFilter.Builder builder = new StemmerOverrideFilter.Builder(false);
        for (String rule : rules) {
            String[] sides = rule.split("=>", -1);
            String stem = sides.length == 2 ? Escapes.unescape(sides[1].trim()) : "";
            if (stem.isEmpty() || sides[1].contains(",")) {
                throw new IllegalArgumentException("Invalid Keyword override Rule:" + rule);
            }
            for (String word : sides[0].split(",")) {
                builder.add(Escapes.unescape(word.trim()), stem);
            }
        }
        StemmerOverrideFilter.StemmerOverrideMap map = builder.build();
        return input -> new StemmerOverrideFilter(input, map);
    }
}
