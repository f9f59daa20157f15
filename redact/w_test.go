package redact
import ("testing";"fmt";"strings")
func TestPasses(t *testing.T){
 var r Redactor
 show:=func(name, s string){ n:=0; for { n++; next:=r.scan(s,nil); if next==s { next2:=r.encoded(s,1,nil); fmt.Println(name,"pass",n,"same; enc changed",next2!=s); next=r.truncated(r.wrapped(next2,nil),nil); if next==s {break}; fmt.Println("end changed") } else { i:=0; for i<len(s)&&i<len(next)&&s[i]==next[i] {i++}; fmt.Printf("%s pass %d changed at %.60q -> %.60q\n",name,n,s[max(0,i-10):],next[max(0,i-10):]) }; s=next; if n>8 {break} } }
 const size=100<<10
 hostile := []string{"pwd=a,","datadog key ","vault token s.","password=\"\\"}
 for _,u:=range hostile { show(u, strings.Repeat(u,200)) }
 _=size
}
