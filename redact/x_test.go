package redact
import ("testing";"fmt";"os";"bufio";"compress/gzip";"encoding/json";"sort")
func TestX(t *testing.T){
 f,_:=os.Open("/work/shared/data/logs/all.jsonl.gz"); z,_:=gzip.NewReader(f)
 d:=json.NewDecoder(bufio.NewReader(z))
 p:=builtin()
 n,stops,words,may,hits,sign,dig:=0,0,0,0,0,0,0
 by:=map[string]int{}; mb:=map[string]int{}
 for d.More() { var r struct{Line string}; d.Decode(&r); s:=r.Line; n+=len(s)
  for i:=1;i<len(s);i++ { w:=bigramAt(s,i-1)
   if !p.gate.has(w) { continue }
   stops++
   if p.words.has(w) { words++; by[s[i-1:i+1]]++; if p.may(s,i-1,w) { may++; mb[s[i-1:i+1]]++; for _,h:=range p.at(w) { if h.is(s,i-1-int(h.back)) { hits++ } } } }
   switch c:=s[i]; { case c==':'||c=='='||c=='@'||c=='-': sign++; case isDigit(c): dig++ }
  }
 }
 fmt.Println(n,"bytes; per KB: stops",stops*1000/n,"words",words*1000/n,"may",may*1000/n,"hits",hits*1000/n,"sign",sign*1000/n,"digit",dig*1000/n)
 top:=func(by map[string]int){ var ks []string; for k:=range by { ks=append(ks,k) }; sort.Slice(ks,func(i,j int)bool{return by[ks[i]]>by[ks[j]]}); for _,k:=range ks[:25] { fmt.Printf("%q:%d(%d) ",k,by[k]*10000/n,len(p.at(bigramAt(k,0)))) }; fmt.Println() }
 top(by); top(mb)
}
