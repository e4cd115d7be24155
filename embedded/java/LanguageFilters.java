package shelfwise.plugin;

import static shelfwise.plugin.FilterFactory.bare;
import static shelfwise.plugin.FilterFactory.bareNormalizing;
import static shelfwise.plugin.FilterFactory.plain;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.ar.ArabicNormalizationFilter;
import org.apache.lucene.analysis.ar.ArabicStemFilter;
import org.apache.lucene.analysis.bn.BengaliNormalizationFilter;
import org.apache.lucene.analysis.br.BrazilianStemFilter;
import org.apache.lucene.analysis.ckb.SoraniNormalizationFilter;
import org.apache.lucene.analysis.classic.ClassicFilter;
import org.apache.lucene.analysis.core.DecimalDigitFilter;
import org.apache.lucene.analysis.cz.CzechStemFilter;
import org.apache.lucene.analysis.de.GermanNormalizationFilter;
import org.apache.lucene.analysis.de.GermanStemFilter;
import org.apache.lucene.analysis.fa.PersianNormalizationFilter;
import org.apache.lucene.analysis.fa.PersianStemFilter;
import org.apache.lucene.analysis.hi.HindiNormalizationFilter;
import org.apache.lucene.analysis.in.IndicNormalizationFilter;
import org.apache.lucene.analysis.miscellaneous.ScandinavianFoldingFilter;
import org.apache.lucene.analysis.miscellaneous.ScandinavianNormalizationFilter;
import org.apache.lucene.analysis.snowball.SnowballFilter;
import org.apache.lucene.analysis.sr.SerbianNormalizationFilter;
import org.apache.lucene.analysis.tr.ApostropheFilter;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;

/** Filters for one language each. The tables also serve the names usable without settings. */
final class LanguageFilters {
    /** Character by character, so that normalizers may use them. */
    static final Map<String, UnaryOperator<TokenStream>> NORMALIZING = Map.ofEntries(
        Map.entry("arabic_normalization", ArabicNormalizationFilter::new),
        Map.entry("bengali_normalization", BengaliNormalizationFilter::new),
        Map.entry("decimal_digit", DecimalDigitFilter::new),
        Map.entry("german_normalization", GermanNormalizationFilter::new),
        Map.entry("hindi_normalization", HindiNormalizationFilter::new),
        Map.entry("indic_normalization", IndicNormalizationFilter::new),
        Map.entry("persian_normalization", PersianNormalizationFilter::new),
        Map.entry("scandinavian_folding", ScandinavianFoldingFilter::new),
        Map.entry("scandinavian_normalization", ScandinavianNormalizationFilter::new),
        Map.entry("serbian_normalization", SerbianNormalizationFilter::new),
        Map.entry("sorani_normalization", SoraniNormalizationFilter::new));

    /** Word by word. */
    static final Map<String, UnaryOperator<TokenStream>> PLAIN = Map.ofEntries(
        Map.entry("apostrophe", ApostropheFilter::new),
        Map.entry("arabic_stem", ArabicStemFilter::new),
        Map.entry("classic", ClassicFilter::new),
        Map.entry("czech_stem", CzechStemFilter::new),
        Map.entry("persian_stem", PersianStemFilter::new));

    /** Word by word, and some words can be excluded when configured. */
    static final Map<String, UnaryOperator<TokenStream>> WITH_EXCLUSION = Map.ofEntries(
        Map.entry("brazilian_stem", BrazilianStemFilter::new),
        Map.entry("dutch_stem", input -> new SnowballFilter(input, "Dutch")),
        Map.entry("french_stem", input -> new SnowballFilter(input, "French")),
        Map.entry("german_stem", GermanStemFilter::new),
        Map.entry("russian_stem", input -> new SnowballFilter(input, "Russian")));

    private LanguageFilters() {}

    static Map<String, AnalysisProvider<TokenFilterFactory>> all() {
        Map<String, AnalysisProvider<TokenFilterFactory>> filters = new TreeMap<>();
        NORMALIZING.forEach((name, filter) -> filters.put(name, bareNormalizing(filter)));
        PLAIN.forEach((name, filter) -> filters.put(name, bare(filter)));
        WITH_EXCLUSION.forEach(
            (name, stemmer) -> filters.put(name, plain(Stemmers.withExclusion(stemmer))));
        return filters;
    }
}
