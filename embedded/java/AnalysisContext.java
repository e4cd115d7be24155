package shelfwise.plugin;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.CharArraySet;
import org.elasticsearch.common.regex.Regex;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.Analysis;

/** What a component is made from: its name, its settings, and where word files are looked for. */
record AnalysisContext(
    IndexSettings index, Environment environment, String name, Settings settings) {

    String text(String key, String absent) {
        return settings.get(key, absent);
    }

    int number(String key, int absent) {
        return settings.getAsInt(key, absent);
    }

    boolean flag(String key, boolean absent) {
        return settings.getAsBoolean(key, absent);
    }

    /** The first character of a setting. */
    char character(String key, char absent) {
        String value = settings.get(key);
        if (value == null) {
            return absent;
        }
        if (value.length() != 1) {
            throw new IllegalArgumentException(
                "[" + key + "] of [" + name + "] must be one character, not [" + value + "]");
        }
        return value.charAt(0);
    }

    String required(String key) {
        String value = settings.get(key);
        if (value == null) {
            throw new IllegalArgumentException("[" + name + "] needs [" + key + "]");
        }
        return value;
    }

    Pattern pattern(String absent) {
        String expression = settings.get("pattern", absent);
        if (expression == null) {
            throw new IllegalArgumentException("[" + name + "] needs [pattern]");
        }
        return Regex.compile(expression, settings.get("flags"));
    }

    /** Words given inline under a key or in a file under key_path; null where neither is set. */
    CharArraySet words(String key, boolean ignoreCase) {
        List<String> words = lines(key);
        return words == null ? null : new CharArraySet(words, ignoreCase);
    }

    /** Lines given inline under a key or in a file under key_path; null where neither is set. */
    List<String> lines(String key) {
        return Analysis.getWordList(environment, settings, key);
    }

    CharArraySet requiredWords(String key, boolean ignoreCase) {
        CharArraySet words = words(key, ignoreCase);
        if (words == null) {
            throw new IllegalArgumentException(
                "[" + name + "] needs [" + key + "] or [" + key + "_path]");
        }
        return words;
    }

    /** Stop words: a list, a file, or a named list such as _english_. */
    CharArraySet stopWords(CharArraySet absent) {
        return Analysis.parseStopWords(environment, settings, absent);
    }

    CharArraySet stemExclusion() {
        return Analysis.parseStemExclusion(settings, CharArraySet.EMPTY_SET);
    }

    /** The grams' bounds, refused when farther apart than the index allows. */
    int[] grams() {
        int smallest = number("min_gram", 1);
        int largest = number("max_gram", 2);
        int allowed = index.getMaxNgramDiff();
        if (largest - smallest > allowed) {
            throw new IllegalArgumentException(
                "The difference between max_gram and min_gram in NGram Tokenizer must be less than"
                    + " or equal to: [" + allowed + "] but was [" + (largest - smallest)
                    + "]. This limit can be set by changing the [index.max_ngram_diff] index level"
                    + " setting.");
        }
        return new int[] {smallest, largest};
    }

    /** Values of a list setting, each checked against the known ones. */
    List<String> choices(String key, Set<String> known) {
        List<String> values = settings.getAsList(key);
        for (String value : values) {
            if (known.contains(value) == false) {
                throw new IllegalArgumentException(
                    "[" + key + "] of [" + name + "] knows " + known + ", not [" + value + "]");
            }
        }
        return values;
    }
}
