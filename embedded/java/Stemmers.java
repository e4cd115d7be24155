package shelfwise.plugin;

import static java.util.Map.entry;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.ar.ArabicStemFilter;
import org.apache.lucene.analysis.bg.BulgarianStemFilter;
import org.apache.lucene.analysis.bn.BengaliStemFilter;
import org.apache.lucene.analysis.br.BrazilianStemFilter;
import org.apache.lucene.analysis.ckb.SoraniStemFilter;
import org.apache.lucene.analysis.cz.CzechStemFilter;
import org.apache.lucene.analysis.de.GermanLightStemFilter;
import org.apache.lucene.analysis.de.GermanMinimalStemFilter;
import org.apache.lucene.analysis.el.GreekStemFilter;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.es.SpanishLightStemFilter;
import org.apache.lucene.analysis.es.SpanishPluralStemFilter;
import org.apache.lucene.analysis.fa.PersianStemFilter;
import org.apache.lucene.analysis.fi.FinnishLightStemFilter;
import org.apache.lucene.analysis.fr.FrenchLightStemFilter;
import org.apache.lucene.analysis.fr.FrenchMinimalStemFilter;
import org.apache.lucene.analysis.gl.GalicianMinimalStemFilter;
import org.apache.lucene.analysis.gl.GalicianStemFilter;
import org.apache.lucene.analysis.hi.HindiStemFilter;
import org.apache.lucene.analysis.hu.HungarianLightStemFilter;
import org.apache.lucene.analysis.id.IndonesianStemFilter;
import org.apache.lucene.analysis.it.ItalianLightStemFilter;
import org.apache.lucene.analysis.lv.LatvianStemFilter;
import org.apache.lucene.analysis.miscellaneous.EmptyTokenStream;
import org.apache.lucene.analysis.miscellaneous.SetKeywordMarkerFilter;
import org.apache.lucene.analysis.no.NorwegianLightStemFilter;
import org.apache.lucene.analysis.no.NorwegianLightStemFilterFactory;
import org.apache.lucene.analysis.no.NorwegianMinimalStemFilter;
import org.apache.lucene.analysis.no.NorwegianMinimalStemFilterFactory;
import org.apache.lucene.analysis.pt.PortugueseLightStemFilter;
import org.apache.lucene.analysis.pt.PortugueseMinimalStemFilter;
import org.apache.lucene.analysis.pt.PortugueseStemFilter;
import org.apache.lucene.analysis.ru.RussianLightStemFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.apache.lucene.analysis.sv.SwedishLightStemFilter;

/** The stemmers by the language names of Elasticsearch's {@code stemmer} and {@code snowball}. */
final class Stemmers {
    /** By name without underscores, since minimal_english and minimalEnglish are both accepted. */
    private static final Map<String, UnaryOperator<TokenStream>> BY_NAME = Map.ofEntries(
        entry("arabic", ArabicStemFilter::new),
        entry("bengali", BengaliStemFilter::new),
        entry("brazilian", BrazilianStemFilter::new),
        entry("bulgarian", BulgarianStemFilter::new),
        entry("czech", CzechStemFilter::new),
        entry("dutchkp", input -> new SnowballFilter(input, "Kp")),
        entry("english", PorterStemFilter::new),
        entry("lightenglish", KStemFilter::new),
        entry("kstem", KStemFilter::new),
        entry("porter", PorterStemFilter::new),
        entry("porter2", input -> new SnowballFilter(input, "English")),
        entry("minimalenglish", EnglishMinimalStemFilter::new),
        entry("possessiveenglish", EnglishPossessiveFilter::new),
        entry("lightfinnish", FinnishLightStemFilter::new),
        entry("lightfinish", FinnishLightStemFilter::new), // Elasticsearch's own old misspelling
        entry("lightfrench", FrenchLightStemFilter::new),
        entry("minimalfrench", FrenchMinimalStemFilter::new),
        entry("galician", GalicianStemFilter::new),
        entry("minimalgalician", GalicianMinimalStemFilter::new),
        entry("lightgerman", GermanLightStemFilter::new),
        entry("minimalgerman", GermanMinimalStemFilter::new),
        entry("german2", Stemmers::german2),
        entry("greek", GreekStemFilter::new),
        entry("hindi", HindiStemFilter::new),
        entry("lighthungarian", HungarianLightStemFilter::new),
        entry("indonesian", IndonesianStemFilter::new),
        entry("lightitalian", ItalianLightStemFilter::new),
        entry("latvian", LatvianStemFilter::new),
        entry("lightnorwegian", NorwegianLightStemFilter::new),
        entry("minimalnorwegian", NorwegianMinimalStemFilter::new),
        entry("lightnynorsk",
            input -> new NorwegianLightStemFilterFactory(nynorsk()).create(input)),
        entry("minimalnynorsk",
            input -> new NorwegianMinimalStemFilterFactory(nynorsk()).create(input)),
        entry("persian", PersianStemFilter::new),
        entry("lightportuguese", PortugueseLightStemFilter::new),
        entry("minimalportuguese", PortugueseMinimalStemFilter::new),
        entry("portugueserslp", PortugueseStemFilter::new),
        entry("lightrussian", RussianLightStemFilter::new),
        entry("lightspanish", SpanishLightStemFilter::new),
        entry("spanishplural", SpanishPluralStemFilter::new),
        entry("sorani", SoraniStemFilter::new),
        entry("lightswedish", SwedishLightStemFilter::new));

    private Stemmers() {}

    /** The {@code stemmer} filter: a name of the table, or else a language of Snowball. */
    static UnaryOperator<TokenStream> stemmer(AnalysisContext context) {
        String language = context.text("language", context.text("name", "porter"));
        String key = language.toLowerCase(Locale.ROOT).replace("_", "");
        UnaryOperator<TokenStream> known = BY_NAME.get(key);
        return known == null ? snowball(language) : known;
    }

    /** The {@code snowball} filter. */
    static UnaryOperator<TokenStream> snowball(AnalysisContext context) {
        return snowball(context.text("language", context.text("name", "English")));
    }

    /** A stemmer of one language that leaves the words of {@code stem_exclusion} as they are. */
    static FilterFactory.Recipe withExclusion(UnaryOperator<TokenStream> stemmer) {
        return context -> {
            CharArraySet exclusion = context.stemExclusion();
            return exclusion.isEmpty()
                ? stemmer
                : input -> stemmer.apply(new SetKeywordMarkerFilter(input, exclusion));
        };
    }

    private static UnaryOperator<TokenStream> snowball(String language) {
        String capitalized = language.isEmpty()
            ? language
            : language.substring(0, 1).toUpperCase(Locale.ROOT) + language.substring(1);
        // An unknown language must fail when the index is created, not when it is first written.
        try {
            new SnowballFilter(new EmptyTokenStream(), capitalized).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return input -> new SnowballFilter(input, capitalized);
    }

    /** A factory takes out of the map what it has read, so each needs its own. */
    private static Map<String, String> nynorsk() {
        return new HashMap<>(Map.of("variant", "nn"));
    }

    /** Lucene 10 folded it into the German stemmer. */
    private static TokenStream german2(TokenStream input) {
        try {
            return new SnowballFilter(input, "German2");
        } catch (IllegalArgumentException e) {
            return new SnowballFilter(input, "German");
        }
    }
}
