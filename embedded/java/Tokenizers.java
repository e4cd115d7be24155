package shelfwise.plugin;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.classic.ClassicTokenizer;
import org.apache.lucene.analysis.core.KeywordTokenizer;
import org.apache.lucene.analysis.core.LetterTokenizer;
import org.apache.lucene.analysis.core.WhitespaceTokenizer;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenizer;
import org.apache.lucene.analysis.ngram.NGramTokenizer;
import org.apache.lucene.analysis.path.PathHierarchyTokenizer;
import org.apache.lucene.analysis.path.ReversePathHierarchyTokenizer;
import org.apache.lucene.analysis.pattern.PatternTokenizer;
import org.apache.lucene.analysis.pattern.SimplePatternSplitTokenizer;
import org.apache.lucene.analysis.pattern.SimplePatternTokenizer;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.analysis.th.ThaiTokenizer;
import org.apache.lucene.analysis.util.CharTokenizer;
import org.elasticsearch.index.analysis.PreConfiguredTokenizer;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** The tokenizers under Elasticsearch's names, with its defaults; the server has {@code standard}. */
final class Tokenizers {
    private static final String NON_WORD = "\\W+";
    private static final int KEYWORD_BUFFER = 256;
    private static final int PATH_BUFFER = 1024;
    private static final int LONGEST_TOKEN = StandardAnalyzer.DEFAULT_MAX_TOKEN_LENGTH;

    private Tokenizers() {}

    static Map<String, AnalysisProvider<TokenizerFactory>> all() {
        Map<String, AnalysisProvider<TokenizerFactory>> tokenizers = new TreeMap<>();
        tokenizers.put("char_group", configured(Tokenizers::charGroup));
        tokenizers.put("classic", configured(Tokenizers::classic));
        tokenizers.put("edge_ngram", configured(Tokenizers::edgeNgram));
        tokenizers.put("keyword", configured(context -> {
            int buffer = context.number("buffer_size", KEYWORD_BUFFER);
            return () -> new KeywordTokenizer(buffer);
        }));
        tokenizers.put("letter", configured(context -> LetterTokenizer::new));
        tokenizers.put("lowercase", configured(context -> LowercaseTokenizer::new));
        tokenizers.put("ngram", configured(Tokenizers::ngram));
        tokenizers.put("path_hierarchy", configured(Tokenizers::pathHierarchy));
        tokenizers.put("PathHierarchy", configured(Tokenizers::pathHierarchy));
        tokenizers.put("pattern", configured(context -> {
            Pattern pattern = context.pattern(NON_WORD);
            int group = context.number("group", -1);
            return () -> new PatternTokenizer(pattern, group);
        }));
        tokenizers.put("simple_pattern", configured(context -> {
            String pattern = context.text("pattern", "");
            return () -> new SimplePatternTokenizer(pattern);
        }));
        tokenizers.put("simple_pattern_split", configured(context -> {
            String pattern = context.text("pattern", "");
            return () -> new SimplePatternSplitTokenizer(pattern);
        }));
        tokenizers.put("thai", configured(context -> ThaiTokenizer::new));
        tokenizers.put("uax_url_email", configured(Tokenizers::urlEmail));
        tokenizers.put("whitespace", configured(context -> {
            int longest = context.number("max_token_length", LONGEST_TOKEN);
            return () -> new WhitespaceTokenizer(longest);
        }));
        return tokenizers;
    }

    /** Those that an analyzer may name without configuring them. */
    static List<PreConfiguredTokenizer> preConfigured() {
        Map<String, Supplier<Tokenizer>> tokenizers = new TreeMap<>();
        tokenizers.put("classic", ClassicTokenizer::new);
        tokenizers.put("edge_ngram", () -> new EdgeNGramTokenizer(1, 2));
        tokenizers.put("keyword", KeywordTokenizer::new);
        tokenizers.put("letter", LetterTokenizer::new);
        tokenizers.put("lowercase", LowercaseTokenizer::new);
        tokenizers.put("ngram", NGramTokenizer::new);
        tokenizers.put("path_hierarchy", PathHierarchyTokenizer::new);
        tokenizers.put("PathHierarchy", PathHierarchyTokenizer::new);
        tokenizers.put("pattern", () -> new PatternTokenizer(Pattern.compile(NON_WORD), -1));
        tokenizers.put("thai", ThaiTokenizer::new);
        tokenizers.put("uax_url_email", UAX29URLEmailTokenizer::new);
        tokenizers.put("whitespace", WhitespaceTokenizer::new);
        List<PreConfiguredTokenizer> all = new ArrayList<>();
        tokenizers.forEach((name, make) -> all.add(PreConfiguredTokenizer.singleton(name, make)));
        return all;
    }

    @FunctionalInterface
    private interface Recipe {
        Supplier<Tokenizer> read(AnalysisContext context);
    }

    private static AnalysisProvider<TokenizerFactory> configured(Recipe recipe) {
        return (index, environment, name, settings) -> TokenizerFactory.newFactory(
            name, recipe.read(new AnalysisContext(index, environment, name, settings)));
    }

    private static Supplier<Tokenizer> charGroup(AnalysisContext context) {
        CharacterClasses separators = CharacterClasses.separators(context);
        int longest = context.number("max_token_length", LONGEST_TOKEN);
        return () -> new CharTokenizer(CharTokenizer.DEFAULT_TOKEN_ATTRIBUTE_FACTORY, longest) {
            @Override
            protected boolean isTokenChar(int character) {
                return separators.contains(character) == false;
            }
        };
    }

    private static Supplier<Tokenizer> classic(AnalysisContext context) {
        int longest = context.number("max_token_length", LONGEST_TOKEN);
        return () -> {
            ClassicTokenizer tokenizer = new ClassicTokenizer();
            tokenizer.setMaxTokenLength(longest);
            return tokenizer;
        };
    }

    private static Supplier<Tokenizer> urlEmail(AnalysisContext context) {
        int longest = context.number("max_token_length", LONGEST_TOKEN);
        return () -> {
            UAX29URLEmailTokenizer tokenizer = new UAX29URLEmailTokenizer();
            tokenizer.setMaxTokenLength(longest);
            return tokenizer;
        };
    }

    private static Supplier<Tokenizer> edgeNgram(AnalysisContext context) {
        int smallest = context.number("min_gram", 1);
        int largest = context.number("max_gram", 2);
        CharacterClasses kept = CharacterClasses.tokenCharacters(context);
        return () -> new EdgeNGramTokenizer(smallest, largest) {
            @Override
            protected boolean isTokenChar(int character) {
                return kept.contains(character);
            }
        };
    }

    private static Supplier<Tokenizer> ngram(AnalysisContext context) {
        int[] grams = context.grams();
        CharacterClasses kept = CharacterClasses.tokenCharacters(context);
        return () -> new NGramTokenizer(grams[0], grams[1]) {
            @Override
            protected boolean isTokenChar(int character) {
                return kept.contains(character);
            }
        };
    }

    private static Supplier<Tokenizer> pathHierarchy(AnalysisContext context) {
        char delimiter = context.character("delimiter", PathHierarchyTokenizer.DEFAULT_DELIMITER);
        char replacement = context.character("replacement", delimiter);
        int skip = context.number("skip", PathHierarchyTokenizer.DEFAULT_SKIP);
        int buffer = context.number("buffer_size", PATH_BUFFER);
        return context.flag("reverse", false)
            ? () -> new ReversePathHierarchyTokenizer(buffer, delimiter, replacement, skip)
            : () -> new PathHierarchyTokenizer(buffer, delimiter, replacement, skip);
    }
}
