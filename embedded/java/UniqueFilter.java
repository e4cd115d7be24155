package shelfwise.plugin;

import java.io.IOException;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.PositionIncrementAttribute;

/**
 * Drops tokens that were seen before, in the whole stream or only at the same position. Lucene has
 * only the latter. As in Elasticsearch, what follows a dropped token moves up into its place.
 */
final class UniqueFilter extends TokenFilter {
    private static final int EXPECTED_TOKENS = 8;

    private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
    private final PositionIncrementAttribute increment =
        addAttribute(PositionIncrementAttribute.class);
    private final CharArraySet seen = new CharArraySet(EXPECTED_TOKENS, false);
    private final boolean onlyOnSamePosition;

    UniqueFilter(TokenStream input, boolean onlyOnSamePosition) {
        super(input);
        this.onlyOnSamePosition = onlyOnSamePosition;
    }

    @Override
    public boolean incrementToken() throws IOException {
        while (input.incrementToken()) {
            if (onlyOnSamePosition && increment.getPositionIncrement() > 0) {
                seen.clear();
            }
            char[] copy = new char[term.length()];
            System.arraycopy(term.buffer(), 0, copy, 0, copy.length);
            if (seen.add(copy)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void reset() throws IOException {
        super.reset();
        seen.clear();
    }
}
