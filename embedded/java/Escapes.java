package shelfwise.plugin;

/** Backslash escapes in mapping rules: {@code \\ \n \t \r \b \f} and a backslash-u with 4 digits. */
final class Escapes {
    private static final int UNICODE_DIGITS = 4;

    private Escapes() {}

    static String unescape(String text) {
        StringBuilder plain = new StringBuilder(text.length());
        int position = 0;
        while (position < text.length()) {
            char character = text.charAt(position++);
            if (character != '\\') {
                plain.append(character);
                continue;
            }
            if (position >= text.length()) {
                throw new IllegalArgumentException("Invalid escaped char in [" + text + "]");
            }
            char escaped = text.charAt(position++);
            switch (escaped) {
                case 'n' -> plain.append('\n');
                case 't' -> plain.append('\t');
                case 'r' -> plain.append('\r');
                case 'b' -> plain.append('\b');
                case 'f' -> plain.append('\f');
                case 'u' -> {
                    if (position + UNICODE_DIGITS > text.length()) {
                        throw new IllegalArgumentException("Invalid escaped char in [" + text + "]");
                    }
                    String digits = text.substring(position, position + UNICODE_DIGITS);
                    plain.append((char) Integer.parseInt(digits, 16));
                    position += UNICODE_DIGITS;
                }
                default -> plain.append(escaped);
            }
        }
        return plain.toString();
    }
}
