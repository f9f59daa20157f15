package redact

import "strings"

// bigram is two bytes of a text, the first one higher.
type bigram uint16

func bigramAt(s string, i int) bigram { return bigram(s[i])<<8 | bigram(s[i+1]) }

// bigramSigns are the rows and columns of bigramWeights: letters in either case,
// '0' for all digits, and '?' for what is none of the others.
const bigramSigns = "abcdefghijklmnopqrstuvwxyz0 _-./:=?"

// weight says how often b stands in log lines, stack traces and prose: 0 for
// hardly ever, and one more for each time that it is two and a half times as
// often. Keywords are looked for by the bigram of theirs that is rarest.
func (b bigram) weight() int {
	hi, lo := byte(b>>8), byte(b)
	if isDigit(hi) && isDigit(lo) {
		return 100 // the scan passes over runs of digits
	}
	w := int(bigramWeights[bigramSign(hi)*len(bigramSigns)+bigramSign(lo)]-'0') * 2
	if isUpper(hi) || isUpper(lo) {
		w -= 3
	}
	return max(0, w)
}

func bigramSign(c byte) int {
	if isDigit(c) {
		c = '0'
	}
	if isUpper(c) {
		c |= 0x20
	}
	if n := strings.IndexByte(bigramSigns, c); n >= 0 {
		return n
	}
	return len(bigramSigns) - 1
}

// bigramWeights has a row for each first sign, in the order of bigramSigns.
const bigramWeights = "" +
	"24553441713667340758352343550322433" + // a
	"43335401210401410321412050520431003" + // b
	"53426305307530621435403030540341004" + // c
	"53347222502512431344312141561441355" + // d
	"74565533512556445777344531471452466" + // e
	"42333410500322520414412031550411104" + // f
	"42305327411233510333201111350142246" + // g
	"71116111501111610324411120350131104" + // h
	"33764541142557751466140333220003017" + // i
	"40111001610111100020110111200001003" + // j
	"21117120311113410142312011440031104" + // k
	"51356211500513521354422140250333235" + // l
	"54126101411321440143401030240232233" + // m
	"62565472464325731356532031263242375" + // n
	"33453531213558451645734231251332373" + // o
	"51215121411511540534310121240243234" + // p
	"01110011001110000001510000210030001" + // q
	"62356332614345621557553151263243435" + // r
	"43427347513324451258613121261343455" + // s
	"82436216801437550675503251463453327" + // t
	"43435420301555130555111316120020016" + // u
	"51106010501410301011110001420021002" + // v
	"41304115401103411521101100241041113" + // w
	"31402112310110131124101210430332103" + // x
	"32302300211133251334301000250230334" + // y
	"10113116111010010100111021330001003" + // z
	"55555512133222221134222414960653627" + // digits
	"65676545633555652677446323672426447" + // space
	"00101000300030100111000000010000002" + // _
	"34423312100321320333200300640300003" + // -
	"33433344331344341453314120550021004" + // .
	"42222033320221311242231211350005003" + // /
	"10121021010010010030111012650002045" + // :
	"43133240302106200274100003750000034" + // =
	"44544354413444444575333221581344537" // others
