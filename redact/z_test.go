package redact
import ("testing";"strings")
func BenchmarkLoop(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; p:=builtin(); b.SetBytes(int64(n)); k:=0
 for b.Loop() { for _,s:=range t { prev:=bigram(' '); for i:=0;i<len(s);i++ { w:=prev<<8|bigram(s[i]); if p.gate[w>>6]>>(w&63)&1!=0 { k++ }; prev=bigram(s[i]) } } }; _=k }
func BenchmarkLoop2(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; p:=builtin(); b.SetBytes(int64(n)); k:=0
 for b.Loop() { for _,s:=range t { prev:=bigram(' '); for i:=0;i<len(s);i++ { w:=prev<<8|bigram(s[i]); k+=int(p.gate[w>>6]>>(w&63)&1); prev=bigram(s[i]) } } }; _=k }
func BenchmarkScan(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; var r Redactor; b.SetBytes(int64(n)); for b.Loop() { for _,s:=range t { r.scan(s,nil) } } }
func BenchmarkEnc(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; var r Redactor; b.SetBytes(int64(n)); for b.Loop() { for _,s:=range t { r.encoded(s,1,nil) } } }
func BenchmarkWrap(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; var r Redactor; b.SetBytes(int64(n)); for b.Loop() { for _,s:=range t { r.wrapped(s,nil) } } }
func BenchmarkCount(b *testing.B){ t:=strings.Join(logsKiB(),""); b.SetBytes(int64(len(t))); for b.Loop() { strings.Count(t,"zq") } }
func BenchmarkLoop3(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; p:=builtin(); b.SetBytes(int64(n)); k:=0
 tab:=new([1<<16]uint8); for w:=range tab { tab[w]=uint8(p.gate[w>>6]>>(w&63)&1) }
 for b.Loop() { for _,s:=range t { var w uint16=' '; for i:=0;i<len(s);i++ { w=w<<8|uint16(s[i]); if tab[w]!=0 { k++ } } } }; _=k }
func BenchmarkLoop4(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; p:=builtin(); b.SetBytes(int64(n)); k:=0
 tab:=new([1<<16]uint8); for w:=range tab { tab[w]=uint8(p.gate[w>>6]>>(w&63)&1) }
 for b.Loop() { for _,s:=range t { var w uint16=' '; i:=0; for ;i+4<=len(s);i+=4 { c:=s[i:i+4]; w1:=w<<8|uint16(c[0]);w2:=uint16(c[0])<<8|uint16(c[1]);w3:=uint16(c[1])<<8|uint16(c[2]); w=uint16(c[2])<<8|uint16(c[3]); if tab[w1]|tab[w2]|tab[w3]|tab[w]!=0 { k++ } } } }; _=k }
func BenchmarkLoop5(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; p:=builtin(); b.SetBytes(int64(n)); k:=0
 g:=&p.gate
 for b.Loop() { for _,s:=range t { var w uint16=' '; i:=0; for ;i+4<=len(s);i+=4 { c:=s[i:i+4]; c0,c1,c2,c3:=uint16(c[0]),uint16(c[1]),uint16(c[2]),uint16(c[3]); w1:=w<<8|c0;w2:=c0<<8|c1;w3:=c1<<8|c2; w=c2<<8|c3; if (g[w1>>6]>>(w1&63)|g[w2>>6]>>(w2&63)|g[w3>>6]>>(w3&63)|g[w>>6]>>(w&63))&1!=0 { k++ } } } }; _=k }
func BenchmarkLoop6(b *testing.B){ t:=logsKiB(); n:=0; for _,s:=range t { n+=len(s) }; p:=builtin(); b.SetBytes(int64(n)); k:=0
 g:=&p.gate
 for b.Loop() { for _,s:=range t { i:=1; for ;i+8<=len(s);i+=8 { c:=s[i-1:i+8]; x:=uint64(c[0])|uint64(c[1])<<8|uint64(c[2])<<16|uint64(c[3])<<24|uint64(c[4])<<32|uint64(c[5])<<40|uint64(c[6])<<48|uint64(c[7])<<56
  a:=uint64(0)
  w:=uint16(x); a|=g[w>>6]>>(w&63)
  w=uint16(x>>8); a|=g[w>>6]>>(w&63)
  w=uint16(x>>16); a|=g[w>>6]>>(w&63)
  w=uint16(x>>24); a|=g[w>>6]>>(w&63)
  w=uint16(x>>32); a|=g[w>>6]>>(w&63)
  w=uint16(x>>40); a|=g[w>>6]>>(w&63)
  w=uint16(x>>48); a|=g[w>>6]>>(w&63)
  w=uint16(x>>56)|uint16(c[8])<<8; a|=g[w>>6]>>(w&63)
  if a&1!=0 { k++ } } } }; _=k }
