package shelfwise.plugin;

import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterGraphFilter;
import org.apache.lucene.analysis.miscellaneous.WordDelimiterIterator;

/** The settings of {@code word_delimiter} and {@code word_delimiter_graph}. */
final class WordDelimiter {
    /** What both filters do without settings. */
    static final int DEFAULT_FLAGS = WordDelimiterGraphFilter.GENERATE_WORD_PARTS
        | WordDelimiterGraphFilter.GENERATE_NUMBER_PARTS
        | WordDelimiterGraphFilter.SPLIT_ON_CASE_CHANGE
        | WordDelimiterGraphFilter.SPLIT_ON_NUMERICS
        | WordDelimiterGraphFilter.STEM_ENGLISH_POSSESSIVE;

    private WordDelimiter() {}

    static UnaryOperator<TokenStream> graph(AnalysisContext context) {
        byte[] types = types(context.lines("type_table"));
        int flags = flags(context);
        if (context.flag("ignore_keywords", false)) {
            flags |= WordDelimiterGraphFilter.IGNORE_KEYWORDS;
        }
        boolean adjustOffsets = context.flag("adjust_offsets", true);
        CharArraySet kept = context.words("protected_words", false);
        int allFlags = flags;
        return input -> new WordDelimiterGraphFilter(input, adjustOffsets, types, allFlags, kept);
    }

    static UnaryOperator<TokenStream> flat(AnalysisContext context) {
        byte[] types = types(context.lines("type_table"));
        int flags = flags(context);
        CharArraySet kept = context.words("protected_words", false);
        return input -> new WordDelimiterFilter(input, types, flags, kept);
    }

    /** The flags have the same values in both filters. */
    private static int flags(AnalysisContext context) {
        int flags = 0;
        flags |= flag(context, "generate_word_parts", WordDelimiterGraphFilter.GENERATE_WORD_PARTS);
        flags |= flag(
            context, "generate_number_parts", WordDelimiterGraphFilter.GENERATE_NUMBER_PARTS);
        flags |= flag(context, "catenate_words", WordDelimiterGraphFilter.CATENATE_WORDS);
        flags |= flag(context, "catenate_numbers", WordDelimiterGraphFilter.CATENATE_NUMBERS);
        flags |= flag(context, "catenate_all", WordDelimiterGraphFilter.CATENATE_ALL);
        flags |= flag(context, "split_on_case_change", WordDelimiterGraphFilter.SPLIT_ON_CASE_CHANGE);
        flags |= flag(context, "preserve_original", WordDelimiterGraphFilter.PRESERVE_ORIGINAL);
        flags |= flag(context, "split_on_numerics", WordDelimiterGraphFilter.SPLIT_ON_NUMERICS);
        flags |= flag(
            context, "stem_english_possessive", WordDelimiterGraphFilter.STEM_ENGLISH_POSSESSIVE);
        return flags;
    }

    private static int flag(AnalysisContext context, String key, int bit) {
        return context.flag(key, (DEFAULT_FLAGS & bit) != 0) ? bit : 0;
    }

    /** A table from character to type, changed by lines such as {@code \\u002C => DIGIT}. */
    private static byte[] types(List<String> lines) {
        if (lines == null) {
            return WordDelimiterIterator.DEFAULT_WORD_DELIM_TABLE;
        }
        SortedMap<Character, Byte> changes = new TreeMap<>();
        for (String line : lines) {
            int arrow = line.lastIndexOf("=>");
            String character = arrow < 0 ? "" : Escapes.unescape(line.substring(0, arrow).trim());
            if (character.length() != 1) {
                throw new IllegalArgumentException("Invalid mapping rule [" + line + "]");
            }
            changes.put(character.charAt(0), type(line, line.substring(arrow + 2).trim()));
        }
        int last = changes.isEmpty() ? 0 : changes.lastKey();
        byte[] table =
            new byte[Math.max(last + 1, WordDelimiterIterator.DEFAULT_WORD_DELIM_TABLE.length)];
        for (int i = 0; i < table.length; i++) {
            table[i] = WordDelimiterIterator.getType(i);
        }
        changes.forEach((character, type) -> table[character] = type);
        return table;
    }

    /** Lucene hides some of its constants, so a character of that type stands for the type. */
    private static byte type(String line, String name) {
        return switch (name.toUpperCase(Locale.ROOT)) {
            case "LOWER" -> WordDelimiterIterator.getType('a');
            case "UPPER" -> WordDelimiterIterator.getType('A');
            case "ALPHA" -> WordDelimiterIterator.ALPHA;
            case "DIGIT" -> WordDelimiterIterator.getType('0');
            case "ALPHANUM" -> WordDelimiterIterator.ALPHANUM;
            case "SUBWORD_DELIM" -> WordDelimiterIterator.getType('-');
            default -> throw new IllegalArgumentException("Invalid mapping rule [" + line + "]");
        };
    }
}
