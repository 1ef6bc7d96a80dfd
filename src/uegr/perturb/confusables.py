"""Letters that look like a Latin letter, from Unicode's table of confusables.

From confusables.txt (Unicode Technical Standard 39, version 13.0, Unicode License): letters of other scripts whose
look-alike is one letter from A to Z. Left out: letters that Unicode's compatibility form (NFKC) changes anyway; scripts
written from right to left, which do not look the same within a Latin word; Latin letters that belong to the alphabet of
some language, such as the Turkish dotless i. Ours: the small capitals that text generators use, script a and g, Greek
kappa and tau, Cyrillic ghe with stroke, and the small palochka as l, not i.
"""

CONFUSABLES = {
    "A": "ΑАᎪᗅꓮ𖽀𐊠",
    "B": "ΒВᏴᗷꓐ𐊂𐊡𐌁",
    "C": "ⲤСᏟꓚ𐊢𐌂𐐕𐔜",
    "D": "Ꭰᗞᗪꓓ",
    "E": "ΕЕⴹᎬꓰ𑢦𑢮𐊆",
    "F": "Ϝᖴꓝ𑣂𑢢𐊇𐊥𐔥",
    "G": "ԌᏀᏳꓖ",
    "H": "ΗⲎНᎻᕼꓧ𐋏",
    "I": "ΙⲒІӀ",
    "J": "ͿЈᎫᒍꓙ",
    "K": "ΚⲔКᏦᛕꓗ𐔘",
    "L": "ⳐᏞᒪꓡ𖼖𑢣𑢲𐐛𐔦",
    "M": "ΜϺⲘМᎷᗰᛖꓟ𐊰𐌑",
    "N": "ΝⲚꓠ𐔓",
    "O": "ΟⲞОՕⵔዐଠ𐓂ꓳ𑢵𐊒𐊫𐐄𐔖",
    "P": "ΡⲢРᏢᑭꓑ𐊕",
    "Q": "ⵕ",
    "R": "ᎡᏒ𐒴ᖇꓣ𖼵",
    "S": "ЅՏᏕᏚꓢ𖼺𐊖𐐠",
    "T": "ΤⲦТᎢꓔ𖼊𑢼𐊗𐊱𐌕",
    "U": "Սሀ𐓎ᑌꓴ𖽂𑢸",
    "V": "ѴⴸᏙᐯꛟꓦ𖼈𑢠𐔝",
    "W": "ԜᎳᏔꓪ",
    "X": "ΧⲬХⵝᚷꓫ𐊐𐊴𐌗𐔧",
    "Y": "ΥⲨУҮᎩᎽꓬ𖽃𑢤𐊲",
    "Z": "ΖᏃꓜ𑢩",
    "a": "αаɑᴀ",
    "b": "ЬᏏᑲᖯʙ",
    "c": "ⲥсꮯ𐐽ᴄ",
    "d": "ԁᏧᑯꓒᴅ",
    "e": "еҽᴇ",
    "f": "ғքꜰ",
    "g": "ցɡԍɢ",
    "h": "һհᏂʜ",
    "i": "ιіꙇꭵᎥ𑣃ɪ",
    "j": "ϳјᴊ",
    "k": "κᴋ",
    "l": "ӏⵏᛁꓲ𖼨𐊊𐌉ʟ",
    "m": "ᴍ",
    "n": "ոռɴ",
    "o": "οσⲟоჿօഠဝ𐓪𑣈𑣗𐐬ᴏ",
    "p": "ρⲣрᴘ",
    "q": "ԛգզꞯ",
    "r": "ᴦⲅгꮁʀ",
    "s": "ѕꮪ𑣁𐑈ꜱ",
    "t": "τᴛ",
    "u": "υս𐓶𑣘ᴜ",
    "v": "νѵ𑜆ꮩ𑣀ᴠ",
    "w": "ѡԝա𑜊𑜎𑜏ꮃᴡ",
    "x": "хᕁᕽ",
    "y": "γуүყ𑣜ʏ",
    "z": "ꮓ𑣄ᴢ",
}
"""Latin letter -> the letters that look like it, in one string."""
