package shelfwise.plugin;

import java.io.IOException;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;

/** Runs of letters in lower case, which Lucene itself no longer has as one tokenizer. */
final class LowercaseTokenizer extends Tokenizer {
    private static final int LONGEST_TOKEN = 255;

    private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
    private final OffsetAttribute offsets = addAttribute(OffsetAttribute.class);
    private int position;

    @Override
    public boolean incrementToken() throws IOException {
        clearAttributes();
        int start = position;
        for (int character = read(); character != -1; character = read()) {
            if (Character.isLetter(character)) {
                if (term.length() == 0) {
                    start = position - Character.charCount(character);
                }
                term.append(Character.toString(Character.toLowerCase(character)));
                if (term.length() < LONGEST_TOKEN) {
                    continue;
                }
                offsets.setOffset(correctOffset(start), correctOffset(position));
                return true;
            }
            if (term.length() > 0) {
                int end = position - Character.charCount(character);
                offsets.setOffset(correctOffset(start), correctOffset(end));
                return true;
            }
        }
        offsets.setOffset(correctOffset(start), correctOffset(position));
        return term.length() > 0;
    }

    /** The next code point, or -1 at the end. */
    private int read() throws IOException {
        int first = input.read();
        if (first == -1) {
            return -1;
        }
        position++;
        if (Character.isHighSurrogate((char) first) == false) {
            return first;
        }
        int second = input.read();
        if (second == -1) {
            return first;
        }
        position++;
        return Character.toCodePoint((char) first, (char) second);
    }

    @Override
    public void end() throws IOException {
        super.end();
        offsets.setOffset(correctOffset(position), correctOffset(position));
    }

    @Override
    public void reset() throws IOException {
        super.reset();
        position = 0;
    }
}
