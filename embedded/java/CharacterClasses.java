package shelfwise.plugin;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** Sets of characters by the names that {@code token_chars} and {@code tokenize_on_chars} use. */
final class CharacterClasses {
    private static final Map<String, IntPredicate> NAMED = Map.of(
        "letter", Character::isLetter,
        "digit", Character::isDigit,
        "whitespace", Character::isWhitespace,
        "punctuation", CharacterClasses::isPunctuation,
        "symbol", CharacterClasses::isSymbol);
    private static final String CUSTOM = "custom";

    private final List<IntPredicate> classes;

    private CharacterClasses(List<IntPredicate> classes) {
        this.classes = classes;
    }

    boolean contains(int character) {
        return classes.stream().anyMatch(class_ -> class_.test(character));
    }

    /** {@code token_chars} and {@code custom_token_chars}; without them every character. */
    static CharacterClasses tokenCharacters(AnalysisContext context) {
        List<String> names = context.settings().getAsList("token_chars");
        List<IntPredicate> classes = new ArrayList<>();
        for (String name : names) {
            String key = name.toLowerCase(Locale.ROOT).trim();
            if (key.equals(CUSTOM)) {
                classes.add(oneOf(customCharacters(context)));
            } else if (NAMED.containsKey(key)) {
                classes.add(NAMED.get(key));
            } else {
                throw new IllegalArgumentException(
                    "Unknown token type: '" + key + "', must be one of [digit, letter, punctuation,"
                        + " symbol, whitespace, custom]");
            }
        }
        return new CharacterClasses(names.isEmpty() ? List.of(character -> true) : classes);
    }

    /** {@code tokenize_on_chars}: class names, single characters and escaped ones. */
    static CharacterClasses separators(AnalysisContext context) {
        List<IntPredicate> classes = new ArrayList<>();
        Set<Integer> characters = new HashSet<>();
        for (String name : context.settings().getAsList("tokenize_on_chars")) {
            if (NAMED.containsKey(name)) {
                classes.add(NAMED.get(name));
                continue;
            }
            String character = name.startsWith("\\") ? Escapes.unescape(name) : name;
            if (character.length() != 1) {
                throw new RuntimeException("Invalid escaped char in [" + name + "]");
            }
            characters.add((int) character.charAt(0));
        }
        classes.add(oneOf(characters));
        return new CharacterClasses(classes);
    }

    private static Set<Integer> customCharacters(AnalysisContext context) {
        String characters = context.settings().get("custom_token_chars");
        if (characters == null) {
            throw new IllegalArgumentException(
                "Token type: 'custom' requires setting `custom_token_chars`");
        }
        Set<Integer> set = new HashSet<>();
        characters.codePoints().forEach(set::add);
        return set;
    }

    private static IntPredicate oneOf(Set<Integer> characters) {
        return characters::contains;
    }

    private static boolean isPunctuation(int character) {
        return switch (Character.getType(character)) {
            case Character.START_PUNCTUATION, Character.END_PUNCTUATION,
                Character.OTHER_PUNCTUATION, Character.CONNECTOR_PUNCTUATION,
                Character.DASH_PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION,
                Character.FINAL_QUOTE_PUNCTUATION -> true;
            default -> false;
        };
    }

    private static boolean isSymbol(int character) {
        return switch (Character.getType(character)) {
            case Character.CURRENCY_SYMBOL, Character.MATH_SYMBOL, Character.OTHER_SYMBOL,
                Character.MODIFIER_SYMBOL -> true;
            default -> false;
        };
    }
}
